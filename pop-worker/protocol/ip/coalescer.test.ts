import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Coalescer } from './coalescer.ts';
import { GatherBatch, GsoType, MESSAGE_WORDS, NEEDS_CHECKSUM, NO_PIECE, PIECE_WORDS } from './offload.ts';
import { Segmenter } from './segmenter.ts';
import { packet, tcp, udp } from './testing/packets.ts';
import { IpFault, IpView, Protocol } from './view.ts';

interface Written {
  readonly bytes: Uint8Array;
  readonly gsoType: number;
  readonly segmentBytes: number;
  readonly flags: number;
}

/** What a TUN would be given for these packets. */
const coalesce = (packets: readonly Uint8Array[]): Written[] => {
  const buffer = new Uint8Array(packets.reduce((sum, bytes) => sum + bytes.length + 3, 0));
  const batch = new GatherBatch(packets.length);
  const coalescer = new Coalescer(batch);
  const view = new IpView();
  let at = 0;
  for (const bytes of packets) {
    buffer.set(bytes, at);
    assert.equal(view.parse(buffer, at, at + bytes.length), IpFault.none);
    coalescer.add(buffer, view);
    at += bytes.length + 3;
  }
  coalescer.finish(buffer);
  return Array.from({ length: batch.messageCount }, (_, i) => {
    const words = batch.messages.subarray(i * MESSAGE_WORDS, (i + 1) * MESSAGE_WORDS);
    const parts: number[] = [];
    for (let piece = words[0] as number; piece !== NO_PIECE; piece = batch.pieces[piece * PIECE_WORDS + 2] as number) {
      const from = batch.pieces[piece * PIECE_WORDS] as number;
      parts.push(...buffer.subarray(from, from + (batch.pieces[piece * PIECE_WORDS + 1] as number)));
    }
    return { bytes: Uint8Array.from(parts), gsoType: words[3]!, segmentBytes: words[5]!, flags: words[2]! };
  });
};

/** What the kernel makes of it again. */
const expand = (written: readonly Written[]): Uint8Array[] =>
  written.flatMap(({ bytes, gsoType, segmentBytes }) => {
    if (gsoType === GsoType.none) return [bytes];
    const view = new IpView();
    assert.equal(view.parse(bytes, 0, bytes.length), IpFault.none);
    const segmenter = new Segmenter();
    assert.ok(segmenter.begin(bytes, view, segmentBytes));
    const result: Uint8Array[] = [];
    for (let length = segmenter.nextInPlace(); length > 0; length = segmenter.nextInPlace())
      result.push(bytes.slice(segmenter.start, segmenter.start + length));
    return result;
  });

const v6 = { source: '2001:db8::2', destination: '2001:db8:f::10' } as const;

test('segments of one flow become one packet, and two flows two', () => {
  const flow = (base: object, data: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) =>
      packet({ ...base, id: i, payload: tcp({ sequence: 1000 + i * 100, data: new Uint8Array(100).fill(data + i) }) }),
    );
  const a = flow({}, 0, 5);
  const b = flow(v6, 50, 5);
  const written = coalesce(a.flatMap((bytes, i) => [bytes, b[i] as Uint8Array]));
  assert.deepEqual(
    written.map((w) => [w.gsoType, w.segmentBytes, w.flags]),
    [
      [GsoType.tcp4, 100, NEEDS_CHECKSUM],
      [GsoType.tcp6, 100, NEEDS_CHECKSUM],
    ],
  );
  assert.deepEqual(expand(written), [...a, ...b]);
});

test('a short segment or PSH ends a packet', () => {
  const at = (sequence: number, bytes: number, flags = 0x10) =>
    packet({ ...v6, payload: tcp({ sequence, flags, data: new Uint8Array(bytes) }) });
  assert.equal(coalesce([at(0, 100), at(100, 50), at(150, 100)]).length, 2);
  assert.equal(coalesce([at(0, 100), at(100, 100, 0x18), at(200, 100)]).length, 2);
  assert.equal(coalesce([at(0, 50), at(50, 100)]).length, 2);
});

test('what must not be joined passes untouched and in order', () => {
  const plain = (sequence: number, extra: object = {}, base: object = {}) =>
    packet({ ...v6, ...base, payload: tcp({ sequence, data: new Uint8Array(100).fill(7), ...extra }) });
  const forged = plain(100);
  forged[70] = 99;
  const seconds: Uint8Array[] = [
    forged,
    plain(101),
    plain(100, { flags: 0x11 }),
    plain(100, { flags: 0x12 }),
    plain(100, { options: [1, 1, 1, 1] }),
    plain(100, {}, { hopLimit: 63 }),
    plain(100, {}, { source: '2001:db8::3' }),
    plain(100, { data: new Uint8Array(0) }),
    packet({ ...v6, protocol: Protocol.udp, payload: udp(new Uint8Array(9)) }),
  ];
  for (const second of seconds) {
    const packets = [plain(0), second, plain(200)];
    const written = coalesce(packets);
    assert.ok(written.every((w) => w.gsoType === GsoType.none));
    assert.deepEqual(
      written.map((w) => w.bytes),
      packets,
    );
  }
});

test('segments that differ in what one header cannot say are not joined, in either version', () => {
  const segment = (base: object, sequence: number, change?: (raw: Uint8Array) => void): Uint8Array => {
    const payload = tcp({ sequence, data: new Uint8Array(100).fill(7) });
    change?.(payload);
    return packet({ ...base, payload });
  };
  for (const base of [{}, v6]) {
    const count = (second: Uint8Array): number => coalesce([segment(base, 0), second]).length;
    assert.equal(count(segment(base, 100)), 1);
    // Acknowledgement, window, urgent pointer.
    for (const at of [8, 9, 10, 11, 14, 15, 18, 19]) {
      const other = segment(base, 100, (raw) => (raw[at] = (raw[at] as number) ^ 1));
      assert.equal(count(other), 2, `byte ${at}`);
    }
    assert.equal(count(segment({ ...base, hopLimit: 63 }, 100)), 2);
    for (const flags of [0x00, 0x11, 0x14, 0x30, 0x50]) {
      assert.equal(count(segment(base, 100, (raw) => (raw[13] = flags))), 2, `flags ${flags}`);
    }
  }
});

test('whatever comes, expanding what was joined gives each flow its packets in order', () => {
  const segment = fc.record({
    flow: fc.nat(3),
    bytes: fc.constantFrom(0, 10, 100, 100, 100, 100),
    flags: fc.constantFrom(0x10, 0x10, 0x10, 0x18, 0x11),
    gap: fc.constantFrom(0, 0, 0, 0, 5),
    corrupt: fc.constantFrom(false, false, false, false, true),
  });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 80 }), (segments) => {
      const next = [0xffffff00, 5, 5, 1];
      const packets = segments.map(({ flow, bytes, flags, gap, corrupt }, i) => {
        const sequence = ((next[flow] as number) + gap) >>> 0;
        next[flow] = (sequence + bytes) >>> 0;
        const hosts =
          flow < 2 ? { source: `10.0.0.${flow}` } : { source: `2001:db8::${flow}`, destination: v6.destination };
        const out = packet({ ...hosts, id: 0, payload: tcp({ sequence, flags, data: new Uint8Array(bytes).fill(i) }) });
        if (corrupt && bytes > 0) out[out.length - 1] = i + 1;
        return out;
      });
      const source = (bytes: Uint8Array): string =>
        ((bytes[0] as number) >>> 4 === 4 ? bytes.subarray(12, 16) : bytes.subarray(8, 24)).join();
      const byFlow = (all: Uint8Array[]): Record<string, Uint8Array[] | undefined> => Object.groupBy(all, source);
      const withoutId = (all: Uint8Array[]): Uint8Array[] =>
        all.map((bytes) =>
          (bytes[0] as number) >>> 4 === 4
            ? Uint8Array.from([...bytes.subarray(0, 4), ...bytes.subarray(6, 10), ...bytes.subarray(12)])
            : bytes,
        );
      const written = coalesce(packets);
      assert.ok(written.every((w) => w.bytes.length <= 65_535));
      const got = byFlow(expand(written));
      for (const [flow, sent] of Object.entries(byFlow(packets)))
        assert.deepEqual(withoutId(got[flow] ?? []), withoutId(sent ?? []));
    }),
    { numRuns: 300 },
  );
});
