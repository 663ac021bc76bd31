import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError } from '../../errors.ts';
import { hex } from '../testing/hex.ts';
import { written } from '../testing/parse.ts';
import { packetNumberBytes, writePacketNumber } from './number.ts';

const write = (n: number, bytes: number): string => hex(written((buf, at) => writePacketNumber(buf, at, n, bytes)));

test('RFC 9000 §A.2 examples', () => {
  assert.equal(packetNumberBytes(0xac5c02, 0xabe8b3), 2);
  assert.equal(packetNumberBytes(0xace8fe, 0xabe8b3), 3);
});

test('RFC 9001 and RFC 9369 appendices: packet number 654360564 in three bytes', () => {
  assert.equal(write(654360564, 3), '00bff4');
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

/** What a receiver does: RFC 9000 §A.3, letter by letter. */
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

test('whoever received a number at or above the largest acknowledged decodes what was sent', () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 40),
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (acked, ahead, part) => {
        const sent = acked + ahead;
        const bytes = packetNumberBytes(sent, acked);
        const truncated = BigInt(`0x${write(sent, bytes)}`);
        const received = acked + Math.floor(part * (ahead - 1));
        assert.equal(decodeA3(BigInt(received), truncated, BigInt(8 * bytes)), BigInt(sent));
      },
    ),
  );
});
