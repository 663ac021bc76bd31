import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex } from '../testing/hex.ts';
import { parsePayload, remoteFault, written } from '../testing/parse.ts';
import { writeVarint } from '../varint.ts';
import { type AckRanges, type EcnCounts, MAX_ACK_RANGES, writeAck } from './ack.ts';

/** [low, high] pairs, descending, as `AckRanges`. */
const rangesOf = (pairs: readonly (readonly [number, number])[]): AckRanges => ({
  count: pairs.length,
  low: (i) => pairs[i]![0],
  high: (i) => pairs[i]![1],
});

const ack = (pairs: [number, number][], room = 4096, delay = 0, ecn?: EcnCounts): Uint8Array =>
  written((buf, at) => writeAck(buf, at, at + room, rangesOf(pairs), delay, ecn), 8192);

/** What the parser makes of it: [largest, delay, pairs, ecn]. */
const parsed = (bytes: Uint8Array): unknown[] => {
  const { events } = parsePayload(bytes);
  assert.equal(events.length, 1);
  return events[0]!.slice(1);
};

/** Descending ranges with gaps of at least one packet between them. */
const anyRanges = fc
  .array(fc.tuple(fc.nat(70), fc.nat(70)), { minLength: 1, maxLength: 120 })
  .chain((steps) => fc.tuple(fc.constant(steps), fc.nat(2 ** 40)))
  .map(([steps, base]) => {
    let low = base;
    const ascending = steps.map(([gap, length]): [number, number] => {
      const range: [number, number] = [low, low + length];
      low += length + gap + 2;
      return range;
    });
    return ascending.reverse();
  });

test('bytes of RFC 9000 §19.3', () => {
  assert.equal(hex(ack([[91, 100]], 99, 321)), '02406441410009');
  assert.equal(
    hex(
      ack(
        [
          [18, 20],
          [15, 16],
          [6, 10],
        ],
        99,
        1,
      ),
    ),
    '021401020200010304',
  );
  assert.equal(hex(ack([[0, 10]], 99, 0, { ect0: 1, ect1: 100, ce: 65536 })), '030a00000a01406480010000');
});

test('round trip', () => {
  const counts = fc.option(fc.record({ ect0: fc.maxSafeNat(), ect1: fc.nat(), ce: fc.nat(100) }), { nil: undefined });
  fc.assert(
    fc.property(anyRanges, fc.nat(), counts, (pairs, delay, ecn) => {
      const got = parsed(ack(pairs, 4096, delay, ecn));
      assert.deepEqual(got, [pairs[0]![1], delay, pairs.flat(), ecn ? [ecn.ect0, ecn.ect1, ecn.ce] : null]);
    }),
  );
});

test('writes the highest ranges that fit, and not one less', () => {
  fc.assert(
    fc.property(anyRanges, fc.nat(200), fc.boolean(), (pairs, room, withEcn) => {
      const ecn = withEcn ? { ect0: 70, ect1: 1, ce: 20000 } : undefined;
      const out = ack(pairs, room, 5, ecn);
      assert(out.length <= room);
      const fit = out.length === 0 ? 0 : (parsed(out)[2] as number[]).length / 2;
      if (fit > 0) assert.deepEqual(parsed(out)[2], pairs.slice(0, fit).flat());
      if (fit < pairs.length) assert(ack(pairs.slice(0, fit + 1), 4096, 5, ecn).length > room);
    }),
  );
});

test('the Range Count field may grow to two bytes exactly when there is room', () => {
  const pairs = Array.from({ length: 66 }, (_, i): [number, number] => [2 * (66 - i), 2 * (66 - i)]);
  const whole = ack(pairs);
  assert.equal((parsed(whole)[2] as number[]).length, 132);
  // 64 ranges: a count of 63 takes one byte; the 65th costs two bytes for itself and one for the count.
  const with64 = ack(pairs.slice(0, 64));
  const with65 = ack(pairs.slice(0, 65));
  assert.equal(with65.length, with64.length + 3);
  assert.deepEqual(ack(pairs, with64.length + 2), with64);
  assert.deepEqual(ack(pairs, with64.length + 3), with65);
});

test('gaps and lengths on both sides of one byte fit exactly', () => {
  for (const gap of [62, 63, 64]) {
    for (const length of [62, 63, 64]) {
      const low = 1000 - gap - 2;
      const pairs: [number, number][] = [
        [1000, 1000],
        [low - length, low],
      ];
      const bytes = 5 + 1 + (gap < 64 ? 1 : 2) + (length < 64 ? 1 : 2);
      assert.equal(ack(pairs).length, bytes);
      assert.equal(ack(pairs, bytes).length, bytes);
      assert.equal(ack(pairs, bytes - 1).length, 6);
    }
  }
});

test('nothing is written when not even one range fits, or there is none', () => {
  assert.equal(ack([[91, 100]], 7, 321).length, 7);
  assert.equal(ack([[91, 100]], 6, 321).length, 0);
  assert.equal(ack([], 100).length, 0);
  assert.equal(ack([[0, 10]], 11, 0, { ect0: 1, ect1: 100, ce: 65536 }).length, 0);
  assert.equal(ack([[0, 10]], 12, 0, { ect0: 1, ect1: 100, ce: 65536 }).length, 12);
});

test('ranges beyond the cap are checked and dropped, the lowest first', () => {
  assert.equal(MAX_ACK_RANGES, 256);
  const pairs = Array.from({ length: MAX_ACK_RANGES + 44 }, (_, i): [number, number] => {
    const low = 3 * (MAX_ACK_RANGES + 44 - i);
    return [low, low + 1];
  });
  const got = parsed(ack(pairs, 4096))[2] as number[];
  assert.deepEqual(got, pairs.slice(0, MAX_ACK_RANGES).flat());
  const long = written((buf, at) => {
    let next = writeVarint(buf, at + 1, 2 * MAX_ACK_RANGES);
    buf[at] = 2;
    next = writeVarint(buf, next, 0);
    next = writeVarint(buf, next, MAX_ACK_RANGES + 1);
    next = writeVarint(buf, next, 0);
    for (let i = 0; i <= MAX_ACK_RANGES; i++) next = writeVarint(buf, writeVarint(buf, next, 0), 0);
    return next;
  });
  assert.equal(remoteFault(() => parsePayload(long)).code, 7);
});

test('a frame with ranges follows one without: nothing is left over', () => {
  const { events } = parsePayload(`${hex(ack([[0, 10]], 99, 0, { ect0: 1, ect1: 2, ce: 3 }))}02050000 01`);
  assert.deepEqual(events[1], ['ack', 5, 0, [4, 5], null]);
});
