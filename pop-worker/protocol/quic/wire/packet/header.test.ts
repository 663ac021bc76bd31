import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex, unhex } from '../testing/hex.ts';
import { embed } from '../testing/parse.ts';
import { destinationCidLength, destinationCidStart, isLongHeader, PacketHeader, parseHeader } from './header.ts';
import { PacketType } from './packet-type.ts';

interface Expected {
  readonly type: keyof typeof PacketType;
  readonly version: number;
  readonly dcid: string;
  readonly scid: string;
  readonly token: string;
  readonly packetNumberAt: number;
  readonly end: number;
}
interface Case {
  readonly name: string;
  readonly hex: string;
  readonly pad?: number;
  readonly cid: number;
  readonly greased?: boolean;
  readonly header: Expected | null;
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../testing/corpus/headers.json', import.meta.url), 'utf8'));
const datagramOf = ({ hex, pad = 0 }: Case): Uint8Array => {
  const bytes = unhex(hex);
  const datagram = new Uint8Array(bytes.length + pad);
  datagram.set(bytes);
  return datagram;
};

const parse = (datagram: Uint8Array, cid: number, greased?: boolean): Expected | null => {
  const { buffer, start, end } = embed(datagram);
  const out = new PacketHeader();
  if (!parseHeader(buffer, start, end, cid, out, greased)) return null;
  assert.equal(out.start, start);
  const range = (from: number, length: number): string => hex(buffer, from, from + length);
  return {
    type: Object.entries(PacketType).find(([, type]) => type === out.type)?.[0] as keyof typeof PacketType,
    version: out.version,
    dcid: range(out.dcidStart, out.dcidLength),
    scid: range(out.scidStart, out.scidLength),
    token: range(out.tokenStart, out.tokenLength),
    packetNumberAt: out.packetNumberAt - start,
    end: out.end - start,
  };
};

for (const c of cases) {
  test(c.name, () => {
    const datagram = datagramOf(c);
    assert.deepEqual(parse(datagram, c.cid, c.greased), c.header);
    if (c.header === null) return;
    const { buffer, start, end } = embed(datagram);
    const cidAt = destinationCidStart(buffer, start);
    const cidBytes = destinationCidLength(buffer, start, end, c.cid);
    assert.equal(hex(buffer, cidAt, cidAt + cidBytes), c.header.dcid);
  });
}

/** Also where nothing lies behind it that could be read. */
const assertDropped = (packet: Uint8Array, { cid, greased, name }: Case): void => {
  assert.equal(parse(packet, cid, greased), null, name);
  assert.equal(parseHeader(packet.slice(), 0, packet.length, cid, new PacketHeader(), greased), false, name);
  assert.ok(destinationCidLength(packet.slice(), 0, packet.length, cid) <= packet.length);
};

test('a packet with a Length is dropped when cut anywhere', () => {
  for (const c of cases) {
    if (!['initial', 'zeroRtt', 'handshake'].includes(c.header?.type ?? '')) continue;
    const packet = datagramOf(c).subarray(0, c.header?.end);
    for (let end = 0; end < packet.length; end++) assertDropped(packet.subarray(0, end), c);
  }
});

test('a packet of an unknown version is dropped when its connection IDs are cut', () => {
  const unknown = cases.filter(({ header }) => header?.type === 'unsupported');
  assert.ok(unknown.length > 0);
  for (const c of unknown) {
    const { packetNumberAt = 0 } = c.header ?? {};
    for (let end = 0; end < packetNumberAt; end++) assertDropped(datagramOf(c).subarray(0, end), c);
  }
});

test('a reused header keeps nothing of the packet before', () => {
  const out = new PacketHeader();
  for (const before of cases) {
    for (const c of cases) {
      const datagram = datagramOf(c);
      const fresh = new PacketHeader();
      const first = datagramOf(before);
      parseHeader(first, 0, first.length, before.cid, out, true);
      const ok = parseHeader(datagram, 0, datagram.length, c.cid, fresh, true);
      assert.equal(parseHeader(datagram, 0, datagram.length, c.cid, out, true), ok);
      if (ok) assert.deepEqual(out, fresh);
    }
  }
});

test('the connection ID of a packet that is too short', () => {
  const { buffer, start, end } = embed(unhex('c0 00000001 02 aabb'));
  assert.equal(destinationCidLength(buffer, start, end, 4), 2);
  for (let cut = start; cut < end; cut++) assert.equal(destinationCidLength(buffer, start, cut, 4), -1);
  assert.equal(destinationCidLength(unhex('c0 00000001 00'), 0, 6, 4), 0);
  const short = embed(unhex('40 aabbccdd'));
  assert.equal(destinationCidLength(short.buffer, short.start, short.end, 4), 4);
  assert.equal(destinationCidLength(short.buffer, short.start, short.end - 1, 4), -1);
  assert.equal(destinationCidLength(short.buffer, short.start, short.start, 0), -1);
});

test('the form bit', () => {
  assert.equal(isLongHeader(unhex('7f80'), 0), false);
  assert.equal(isLongHeader(unhex('7f80'), 1), true);
});

/** The corpus with single bytes changed, and noise. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .tuple(
      fc.constantFrom(...cases.map(datagramOf)),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.nat(),
    )
    .map(([seed, edits, cut]) => {
      const bytes = seed.slice(0, cut % 3 === 0 ? cut % (seed.length + 1) : seed.length);
      for (const [at, byte] of edits) if (bytes.length > 0) bytes[at % Math.min(bytes.length, 40)] = byte;
      return bytes;
    }),
);

test('any bytes are dropped or give ranges inside the datagram, in order', () => {
  let accepted = 0;
  fc.assert(
    fc.property(hostile, fc.nat(20), fc.boolean(), (bytes, cid, greased) => {
      const { buffer, start, end } = embed(bytes);
      const h = new PacketHeader();
      if (!parseHeader(buffer, start, end, cid, h, greased)) return;
      accepted++;
      assert(start < h.dcidStart);
      assert(h.dcidStart + h.dcidLength <= h.scidStart);
      assert(h.scidStart + h.scidLength <= h.tokenStart);
      assert(h.tokenStart + h.tokenLength <= h.packetNumberAt);
      assert(h.packetNumberAt <= h.end && start < h.end && h.end <= end);
      assert.equal(destinationCidStart(buffer, start), h.dcidStart);
      assert.equal(destinationCidLength(buffer, start, end, cid), h.dcidLength);
    }),
    { numRuns: 10_000 },
  );
  assert(accepted > 1000);
});

test('what surrounds the datagram changes nothing', () => {
  fc.assert(
    fc.property(hostile, fc.nat(20), fc.nat(255), (bytes, cid, fill) => {
      const { buffer, start, end } = embed(bytes);
      const [a, b] = [new PacketHeader(), new PacketHeader()];
      const ok = parseHeader(buffer, start, end, cid, a);
      buffer.fill(fill, 0, start).fill(fill, end);
      assert.equal(parseHeader(buffer, start, end, cid, b), ok);
      if (ok) assert.deepEqual(b, a);
    }),
    { numRuns: 2000 },
  );
});
