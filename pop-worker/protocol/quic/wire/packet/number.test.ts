import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError } from '../../errors.ts';
import { hex } from '../testing/hex.ts';
import { written } from '../testing/parse.ts';
import { decodePacketNumber, packetNumberBytes, writePacketNumber } from './number.ts';

const write = (n: number, bytes: number): string => hex(written((buf, at) => writePacketNumber(buf, at, n, bytes)));

test('RFC 9000 §A.2 and §A.3 examples', () => {
  assert.equal(packetNumberBytes(0xac5c02, 0xabe8b3), 2);
  assert.equal(packetNumberBytes(0xace8fe, 0xabe8b3), 3);
  assert.equal(decodePacketNumber(0xa82f30ea, 0x9b32, 2), 0xa82f9b32);
});

test('RFC 9001 and RFC 9369 appendices: packet number 654360564 in three bytes', () => {
  assert.equal(write(654360564, 3), '00bff4');
  assert.equal(decodePacketNumber(654360563, 0x00bff4, 3), 654360564);
});

test('the edges of every length', () => {
  for (const [unacked, bytes] of [
    [1, 1],
    [0x80, 1],
    [0x81, 2],
    [0x8000, 2],
    [0x8001, 3],
    [0x80_0000, 3],
    [0x80_0001, 4],
    [0x8000_0000, 4],
  ] as const) {
    assert.equal(packetNumberBytes(unacked - 1, -1), bytes);
    assert.equal(packetNumberBytes(1_000_000 + unacked, 1_000_000), bytes);
  }
  assert.throws(
    () => packetNumberBytes(0x8000_0000, -1),
    (error) => error instanceof QuicError && error.fault === 'local',
  );
});

test('the low bytes are written', () => {
  assert.equal(write(0x0102030405, 4), '02030405');
  assert.equal(write(0x0102030405, 3), '030405');
  assert.equal(write(0x0102030405, 2), '0405');
  assert.equal(write(0x0102030405, 1), '05');
  assert.equal(write(0xffff_ffff, 4), 'ffffffff');
});

/** RFC 9000 §A.3, letter by letter, over integers of any size. */
const decodeA3 = (largest: bigint, truncated: bigint, bits: bigint): bigint => {
  const expected = largest + 1n;
  const win = 1n << bits;
  const hwin = win / 2n;
  const mask = win - 1n;
  const candidate = (expected & ~mask) | truncated;
  if (candidate <= expected - hwin && candidate < (1n << 62n) - win) return candidate + win;
  if (candidate > expected + hwin && candidate >= win) return candidate - win;
  return candidate;
};

test('decodes as the pseudocode does', () => {
  const largest = fc.oneof(fc.nat(600), fc.nat(), fc.nat(2 ** 33), fc.integer({ min: 0, max: 2 ** 52 }));
  fc.assert(
    fc.property(
      largest,
      fc.nat(),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: -3, max: 3 }),
      (l, t, bytes, off) => {
        const window = 2 ** (8 * bytes);
        // Anything, and what lies around the edges of the window.
        for (const truncated of [t % window, (l + 1 + window / 2 + off + 2 * window) % window]) {
          const want = decodeA3(BigInt(l), BigInt(truncated), BigInt(8 * bytes));
          assert.equal(BigInt(decodePacketNumber(l, truncated, bytes)), want);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('at the edges of the window, and with nothing received yet', () => {
  assert.equal(decodePacketNumber(-1, 0, 1), 0);
  assert.equal(decodePacketNumber(-1, 255, 1), 255);
  assert.equal(decodePacketNumber(127, 0, 1), 256);
  assert.equal(decodePacketNumber(126, 0, 1), 0);
  assert.equal(decodePacketNumber(255, 0x80, 1), 0x180);
  assert.equal(decodePacketNumber(255, 0x81, 1), 0x81);
});

test('whoever received a number at or above the largest acknowledged decodes what was sent', () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 40),
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (acked, ahead, part) => {
        const sent = acked + ahead;
        const bytes = packetNumberBytes(sent, acked);
        const truncated = Number.parseInt(write(sent, bytes), 16);
        const received = acked + Math.floor(part * (ahead - 1));
        assert.equal(decodePacketNumber(received, truncated, bytes), sent);
      },
    ),
  );
});
