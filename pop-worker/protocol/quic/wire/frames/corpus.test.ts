import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PacketType } from '../packet/packet-type.ts';
import { unhex } from '../testing/hex.ts';
import { parsePayload, remoteFault } from '../testing/parse.ts';
import { FRAMES } from './registry.ts';

interface Case {
  readonly name: string;
  readonly hex: string;
  readonly packet?: keyof typeof PacketType;
  readonly open?: boolean;
  readonly events?: unknown[][];
  readonly content?: number;
  readonly error?: number;
  readonly frameType?: number;
}

/** Bytes of the first frame's type, and the type. */
const typeBytes = (payload: Uint8Array): number => ((payload[0] as number) < 0x40 ? 1 : 2);
const typeOf = (payload: Uint8Array): number =>
  typeBytes(payload) === 1 ? (payload[0] as number) : (((payload[0] as number) & 0x3f) << 8) | (payload[1] as number);

const cases: Case[] = JSON.parse(readFileSync(new URL('../testing/corpus/frames.json', import.meta.url), 'utf8'));

for (const { name, hex, packet = 'oneRtt', open, events, content, error, frameType } of cases) {
  test(name, () => {
    const payload = unhex(hex);
    const type = PacketType[packet];
    if (error !== undefined) {
      const fault = remoteFault(() => parsePayload(payload, type));
      assert.deepEqual([fault.code, fault.frameType], [error, frameType]);
      return;
    }
    assert.deepEqual(parsePayload(payload, type), { events, content });
    if (open || events?.length !== 1) return;
    for (let end = 1; end < payload.length; end++) {
      const fault = remoteFault(() => parsePayload(payload.subarray(0, end), type));
      assert.equal(fault.code, 7, `cut to ${end} bytes`);
      assert.equal(fault.frameType, end < typeBytes(payload) ? 0 : typeOf(payload));
    }
  });
}

test('every type that the registry lists has a case', () => {
  const seen = new Set(cases.filter((c) => c.events).map((c) => typeOf(unhex(c.hex))));
  for (const { first, last } of FRAMES) {
    for (let type = first; type <= last; type++) assert(seen.has(type), `0x${type.toString(16)}`);
  }
});
