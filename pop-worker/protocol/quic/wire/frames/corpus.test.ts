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
      assert.equal(fault.frameType, payload[0]);
    }
  });
}

test('every type that the registry lists has a case', () => {
  const seen = new Set(cases.filter((c) => c.events).map((c) => unhex(c.hex)[0]));
  for (const { first, last } of FRAMES) {
    for (let type = first; type <= last; type++) assert(seen.has(type), `0x${type.toString(16)}`);
  }
});
