import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readWord, sumWords, writeWord } from './checksum.ts';
import { completeChecksum, Segmenter } from './segmenter.ts';
import { isIntact, packet, tcp, udp } from './testing/packets.ts';
import { IpFault, IpView, Protocol } from './view.ts';

const v6 = { source: '2001:db8::2', destination: '2001:db8:f::10' } as const;

/** Each segment is taken before the next overwrites its end. */
const cut = (bytes: Uint8Array, segmentBytes: number): Uint8Array[] => {
  const view = new IpView();
  const buffer = new Uint8Array(9 + bytes.length);
  buffer.set(bytes, 9);
  assert.equal(view.parse(buffer, 9, buffer.length), IpFault.none);
  const segmenter = new Segmenter();
  assert.ok(segmenter.begin(buffer, view, segmentBytes));
  const result: Uint8Array[] = [];
  for (;;) {
    const expected = segmenter.nextBytes();
    const length = segmenter.nextInPlace();
    assert.equal(length, expected);
    if (length === 0) return result;
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
      fc.constantFrom(0xffffff00, 0, 77),
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
