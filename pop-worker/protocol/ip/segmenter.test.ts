import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fold, pseudoHeaderSum, readWord, sumWords, writeWord } from './checksum.ts';
import { completeChecksum, Segmenter } from './segmenter.ts';
import { isIntact, packet, tcp, udp } from './testing/packets.ts';
import { IpFault, IpView, Protocol } from './view.ts';

const v6 = { source: '2001:db8::2', destination: '2001:db8:f::10' } as const;

/** One for all packets, as where packets are forwarded. */
const segmenter = new Segmenter();

/** Each segment is taken before the next overwrites its end. */
const cut = (bytes: Uint8Array, segmentBytes: number): Uint8Array[] => {
  const view = new IpView();
  const buffer = new Uint8Array(9 + bytes.length);
  buffer.set(bytes, 9);
  assert.equal(view.parse(buffer, 9, buffer.length), IpFault.none);
  assert.ok(segmenter.begin(buffer, view, segmentBytes));
  const result: Uint8Array[] = [];
  for (;;) {
    const expected = segmenter.nextBytes();
    const length = segmenter.nextInPlace();
    assert.equal(length, expected);
    if (length === 0) {
      const after = buffer.slice();
      assert.deepEqual([segmenter.nextInPlace(), segmenter.nextBytes()], [0, 0]);
      assert.deepEqual(buffer, after);
      return result;
    }
    assert.ok(segmenter.start >= 9);
    result.push(buffer.slice(segmenter.start, segmenter.start + length));
  }
};

test('segments are intact, in sequence, and carry every byte once', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 4000 }),
      fc.integer({ min: 1, max: 1500 }),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(0xffffff00, 0, 77, 0x12345678, 0x81018101),
      (data, segmentBytes, isV6, isTcp, sequence) => {
        fc.pre(data.length / segmentBytes < 200);
        const payload = isTcp
          ? tcp({ data, sequence, flags: 0x99, options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] })
          : udp(data);
        const base = isV6 ? v6 : { id: 0xffff };
        const whole = packet({ ...base, payload, protocol: isTcp ? Protocol.tcp : Protocol.udp });
        const segments = cut(whole, segmentBytes);
        const upper = isV6 ? 40 : 20;
        const headers = upper + (isTcp ? 32 : 8);
        let at = 0;
        for (const [i, segment] of segments.entries()) {
          assert.ok(isIntact(segment));
          assert.deepEqual(segment.subarray(headers), data.subarray(at, at + segmentBytes));
          if (!isV6) assert.equal(readWord(segment, 4), (0xffff + i) & 0xffff);
          if (isTcp) {
            const found = readWord(segment, upper + 4) * 0x10000 + readWord(segment, upper + 6);
            assert.equal(found, (sequence + at) % 0x100000000);
            const isLast = i === segments.length - 1;
            assert.equal(segment[upper + 13], 0x10 | (isLast ? 0x09 : 0) | (i === 0 ? 0x80 : 0));
          } else assert.equal(readWord(segment, upper + 4), segment.length - upper);
          at += segment.length - headers;
        }
        assert.equal(at, data.length);
        assert.ok(segments.length >= 1);
      },
    ),
    { numRuns: 200 },
  );
});

test('headers of any length are in front of each segment', () => {
  const data = Uint8Array.from({ length: 100 }, (_, i) => i);
  for (let words = 0; words < 12; words++) {
    const options = [Protocol.tcp, words, 1, 4 + words * 8, ...new Array(4 + words * 8).fill(9)];
    const upper = 40 + options.length;
    const payload = Uint8Array.from([...options, ...tcp({ sequence: 0x1234_ffc4, data })]);
    const whole = packet({ ...v6, protocol: Protocol.options, payload });
    const segments = cut(whole, 40);
    assert.equal(segments.length, 3);
    for (const [i, segment] of segments.entries()) {
      assert.equal(readWord(segment, 4), segment.length - 40);
      assert.deepEqual(segment.subarray(6, upper + 4), whole.subarray(6, upper + 4));
      const sequence = readWord(segment, upper + 4) * 0x10000 + readWord(segment, upper + 6);
      assert.equal(sequence, 0x1234_ffc4 + i * 40);
      assert.deepEqual(segment.subarray(upper + 20), data.subarray(i * 40, i * 40 + 40));
      const pseudo = pseudoHeaderSum(segment, 8, 32, Protocol.tcp, segment.length - upper);
      assert.equal(fold(pseudo + sumWords(segment, upper, segment.length)), 0xffff);
    }
  }
});

test('a checksum of UDP that comes out as zero is sent as all ones, one of TCP as it is (RFC 768)', () => {
  for (const [protocol, field, make, expected] of [
    [Protocol.udp, 6, udp, 0xffff],
    [Protocol.tcp, 16, (data: Uint8Array) => tcp({ data }), 0],
  ] as const) {
    const of = (word: number) => packet({ ...v6, protocol, payload: make(Uint8Array.of(word >> 8, word & 0xff)) });
    // The data take on what the checksum says: then nothing is left of it.
    const [segment] = cut(of(readWord(of(0), 40 + field)), 100);
    assert.ok(segment);
    assert.equal(readWord(segment, 40 + field), expected);
  }
});

test('what is neither TCP nor UDP, or has no room for its header, is refused', () => {
  const view = new IpView();
  const begin = (bytes: Uint8Array, segmentBytes = 100): boolean => {
    assert.equal(view.parse(bytes, 0, bytes.length), IpFault.none);
    return new Segmenter().begin(bytes, view, segmentBytes);
  };
  assert.equal(begin(packet({ protocol: 1, payload: new Uint8Array(40) })), false);
  assert.equal(begin(packet({ payload: new Uint8Array(19) })), false);
  assert.equal(begin(packet({ payload: new Uint8Array(40) })), false, 'data offset 0');
  assert.equal(begin(packet({ protocol: 17, payload: new Uint8Array(7) })), false);
  assert.equal(begin(packet(), 0), false);
});

test('a checksum left to the device is completed', () => {
  const bytes = packet({ payload: tcp({ data: new Uint8Array(33).fill(3) }) });
  const whole = bytes.slice();
  const pseudo = sumWords(bytes, 12, 20) + 6 + bytes.length - 20;
  writeWord(bytes, 36, (pseudo & 0xffff) + (pseudo >>> 16));
  assert.equal(completeChecksum(bytes, 20, 16, bytes.length), true);
  assert.deepEqual(bytes, whole);
  assert.equal(completeChecksum(bytes, 20, bytes.length, bytes.length), false);
  assert.equal(completeChecksum(bytes, -1, 16, bytes.length), false);
});

test('a checksum left to the device is completed where it lies in the packet, else nothing is written', () => {
  const complete = (bytes: readonly number[], from: number, field: number): number[] | undefined => {
    const buffer = Uint8Array.from([...bytes, 0xee, 0xee]);
    const isDone = completeChecksum(buffer, from, field, bytes.length);
    assert.deepEqual([...buffer.subarray(bytes.length)], [0xee, 0xee]);
    if (!isDone) assert.deepEqual([...buffer.subarray(0, bytes.length)], bytes);
    return isDone ? [...buffer.subarray(0, bytes.length)] : undefined;
  };
  assert.deepEqual(complete([1, 1, 2, 2], 0, 0), [0xfc, 0xfc, 2, 2]);
  assert.deepEqual(complete([1, 1, 2, 2], 0, 2), [1, 1, 0xfc, 0xfc]);
  assert.deepEqual(complete([1, 1, 2, 2], 2, 0), [1, 1, 0xfd, 0xfd]);
  for (const [from, field] of [
    [0, 3],
    [1, 2],
    [2, 1],
    [3, 0],
    [-1, 2],
    [2, -1],
  ] as const) {
    assert.equal(complete([1, 1, 2, 2], from, field), undefined, `${from} ${field}`);
  }
  // RFC 768: zero says that there is none.
  assert.deepEqual(complete([0, 0, 0xff, 0xff], 0, 0), [0xff, 0xff, 0xff, 0xff]);
});
