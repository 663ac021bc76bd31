import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checksum, writeWord } from './checksum.ts';
import { Coalescer, OPEN_FLOWS } from './coalescer.ts';
import { GatherBatch, GsoType, MESSAGE_WORDS, NEEDS_CHECKSUM, NO_PIECE, PIECE_WORDS } from './offload.ts';
import { completeChecksum, Segmenter } from './segmenter.ts';
import { isIntact, packet, tcp, udp } from './testing/packets.ts';
import { IpFault, IpView, Protocol } from './view.ts';

interface Written {
  readonly bytes: Uint8Array;
  readonly gsoType: number;
  readonly segmentBytes: number;
  readonly flags: number;
  readonly headerBytes: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

/** What a TUN would be given for these packets. */
const coalesce = (packets: readonly Uint8Array[]): Written[] => {
  const buffer = new Uint8Array(packets.reduce((sum, bytes) => sum + bytes.length + 3, 3));
  const batch = new GatherBatch(packets.length);
  const coalescer = new Coalescer(batch);
  const view = new IpView();
  let at = 3;
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
    const [, , flags, gsoType, headerBytes, segmentBytes, checksumStart, checksumOffset] = [...words] as number[];
    const bytes = Uint8Array.from(parts);
    return { bytes, flags, gsoType, headerBytes, segmentBytes, checksumStart, checksumOffset } as Written;
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

test('what is joined is one packet whose checksum the device completes (virtio 1.2 §5.1.6.2)', () => {
  for (const [base, checksumStart] of [
    [{}, 20],
    [v6, 40],
  ] as const) {
    for (const options of [[], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]]) {
      const segment = (i: number, flags = 0x10): Uint8Array =>
        packet({ ...base, payload: tcp({ sequence: i * 100, flags, options, data: new Uint8Array(100).fill(i + 1) }) });
      const [joined, ...more] = coalesce([segment(0), segment(1), segment(2, 0x18)]);
      assert.ok(joined && more.length === 0);
      const headerBytes = checksumStart + 20 + options.length;
      assert.deepEqual(
        [joined.headerBytes, joined.checksumStart, joined.checksumOffset],
        [headerBytes, checksumStart, 16],
      );
      assert.equal(joined.bytes.length, headerBytes + 300);
      assert.equal(joined.bytes[checksumStart + 13], 0x18, 'PSH of the last');
      assert.ok(completeChecksum(joined.bytes, checksumStart, 16, joined.bytes.length));
      assert.equal(new IpView().parse(joined.bytes, 0, joined.bytes.length), IpFault.none);
      assert.ok(isIntact(joined.bytes));
    }
  }
});

test('a joined packet is no longer than IPv4 lets it be, nor of more than 64 segments', () => {
  const counts = (base: object, sizes: readonly number[]): number[] => {
    let sequence = 0;
    const packets = sizes.map((bytes) => {
      sequence += bytes;
      return packet({ ...base, payload: tcp({ sequence: sequence - bytes, data: new Uint8Array(bytes) }) });
    });
    return coalesce(packets).map(({ bytes }) => bytes.length);
  };
  assert.deepEqual(counts({}, new Array(65).fill(10)), [40 + 640, 50]);
  for (const [base, headers] of [
    [{}, 40],
    [v6, 60],
  ] as const) {
    const most = 65_535 - headers - 4 * 14_000;
    assert.deepEqual(counts(base, [14_000, 14_000, 14_000, 14_000, most]), [65_535]);
    assert.deepEqual(counts(base, [14_000, 14_000, 14_000, 14_000, most + 1]), [65_535 - most, headers + most + 1]);
  }
});

test('sequence numbers are joined wherever they are, also where they begin again', () => {
  for (const sequence of [0, 0x00ff_ff9c, 0x7fff_ff9c, 0x9000_0000, 0xffff_ff9c]) {
    const [joined, ...more] = coalesce(
      [0, 100, 200].map((at) =>
        packet({ ...v6, payload: tcp({ sequence: (sequence + at) % 0x1_0000_0000, data: new Uint8Array(100) }) }),
      ),
    );
    assert.deepEqual([joined?.bytes.length, more.length], [360, 0], `${sequence}`);
  }
});

test('so many flows are open at once; one more closes the oldest', () => {
  const segment = (flow: number, i: number): Uint8Array =>
    packet({ source: `10.0.0.${flow}`, payload: tcp({ sequence: i * 10, data: new Uint8Array(10) }) });
  const all = Array.from({ length: OPEN_FLOWS }, (_, flow) => flow);
  const first = all.map((flow) => segment(flow, 0));
  const segmentsOf = (packets: readonly Uint8Array[]): number[] =>
    coalesce(packets).map(({ bytes }) => (bytes.length - 40) / 10);
  assert.equal(OPEN_FLOWS, 16);
  assert.deepEqual(segmentsOf([...first, ...all.map((flow) => segment(flow, 1))]), new Array(16).fill(2));
  const one = [...first, segment(99, 0)];
  assert.deepEqual(segmentsOf([...one, segment(1, 1), segment(99, 1)]), [1, 2, ...new Array(14).fill(1), 2]);
  assert.deepEqual(segmentsOf([...one, segment(0, 1)]), new Array(18).fill(1));
  // What was joined before its flow was closed is written too.
  const early = [segment(0, 0), segment(0, 1), ...first.slice(1), segment(99, 0)];
  assert.deepEqual(expand(coalesce(early)).length, early.length);
});

test('a coalescer is used again for the next burst, which joins nothing of the last', () => {
  const buffer = new Uint8Array(300);
  const batch = new GatherBatch(4);
  const coalescer = new Coalescer(batch);
  const view = new IpView();
  const add = (at: number, sequence: number): void => {
    const bytes = packet({ payload: tcp({ sequence, data: new Uint8Array(10) }) });
    buffer.set(bytes, at);
    assert.equal(view.parse(buffer, at, at + bytes.length), IpFault.none);
    coalescer.add(buffer, view);
  };
  add(0, 0);
  coalescer.finish(buffer);
  batch.clear();
  add(100, 10);
  add(200, 20);
  coalescer.finish(buffer);
  assert.equal(batch.messageCount, 1);
  assert.deepEqual([...batch.messages.subarray(0, 4)], [0, 1, NEEDS_CHECKSUM, GsoType.tcp4]);
  assert.deepEqual([...batch.pieces.subarray(0, 6)], [100, 50, 1, 240, 10, NO_PIECE]);
  batch.clear();
  add(0, 30);
  const before = buffer.slice();
  coalescer.finish(buffer);
  assert.deepEqual([...batch.messages.subarray(0, MESSAGE_WORDS)], [0, 0, 0, GsoType.none, 0, 0, 0, 0]);
  assert.deepEqual(buffer, before);
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

test('a segment that comes late is not put in front of what came before it', () => {
  const at = (sequence: number, flags = 0x10) =>
    packet({ ...v6, payload: tcp({ sequence, flags, data: new Uint8Array(100).fill(sequence / 100) }) });
  for (const packets of [
    [at(0), at(200), at(100)],
    [at(0), at(300, 0x11), at(100)],
  ]) {
    assert.deepEqual(
      coalesce(packets).map(({ bytes }) => bytes),
      packets,
    );
  }
});

test('fragments are not joined, whatever they look like', () => {
  for (const field of [0x2000, 0x2010, 0x0010]) {
    const packets = [0, 100].map((sequence) => {
      const bytes = packet({ payload: tcp({ sequence, data: new Uint8Array(100).fill(7) }) });
      writeWord(bytes, 6, field);
      writeWord(bytes, 10, 0);
      writeWord(bytes, 10, checksum(bytes, 0, 20));
      return bytes;
    });
    assert.deepEqual(
      coalesce(packets).map(({ bytes, gsoType }) => [bytes, gsoType]),
      packets.map((bytes) => [bytes, GsoType.none]),
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
    for (const words of [0, 1, 4]) {
      // They follow each other, if one believes what they say of their header.
      const broken = [0, 120 - words * 4].map((at) => segment(base, at, (raw) => (raw[12] = words << 4)));
      assert.equal(coalesce(broken).length, 2, `header of ${words} words`);
    }
    assert.equal(count(segment({ ...base, hopLimit: 63 }, 100)), 2);
    // Ports, addresses, traffic class, flow label, don't-fragment.
    for (const at of [1, 3]) {
      assert.equal(count(segment(base, 100, (raw) => (raw[at] = (raw[at] as number) ^ 1))), 2, `port ${at}`);
    }
    const v4 = base !== v6;
    for (const at of v4 ? [1] : [1, 2, 3]) {
      const other = segment(base, 100);
      other[at] = (other[at] as number) ^ 1;
      if (v4) writeWord(other, 10, 0);
      if (v4) writeWord(other, 10, checksum(other, 0, 20));
      assert.equal(count(other), 2, `byte ${at} of the header`);
    }
    const others = v4 ? ['11.64.0.2', '10.64.0.3'] : ['3001:db8::2', '2001:db8::3'];
    for (const other of others) {
      assert.equal(count(segment({ ...base, source: other }, 100)), 2, other);
      assert.equal(count(segment({ ...base, destination: other }, 100)), 2, other);
    }
    if (v4) {
      const [first, second] = [0, 100].map((at) => segment({ fragmentField: 0x4000 }, at)) as [Uint8Array, Uint8Array];
      assert.equal(count(second), 2);
      assert.equal(coalesce([first, second]).length, 1, "don't-fragment in both");
    }
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
