import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError } from '../errors.ts';
import { Reader } from './reader.ts';
import { hex, unhex } from './testing/hex.ts';
import { remoteFault, written } from './testing/parse.ts';
import { prefixedRoom, varintLength, writeU32, writeVarint, writeVarintFixed } from './varint.ts';

const read = (text: string): number => {
  const bytes = unhex(text);
  const reader = new Reader().reset(bytes, 0, bytes.length);
  const value = reader.varint();
  assert.equal(reader.remaining, 0);
  return value;
};
const write = (v: number): string => hex(written((buf, at) => writeVarint(buf, at, v)));

test('RFC 9000 §A.1 examples', () => {
  assert.equal(read('9d7f3e7d'), 494_878_333);
  assert.equal(read('7bbd'), 15_293);
  assert.equal(read('25'), 37);
  assert.equal(read('4025'), 37);
  assert.equal(write(494_878_333), '9d7f3e7d');
  assert.equal(write(15_293), '7bbd');
  assert.equal(write(37), '25');
  // 0xc2197c5eff14e88c is above 2^53: rounded up to a multiple of 512.
  assert.equal(BigInt(read('c2197c5eff14e88c')), 0x2197c5eff14ea00n);
});

test('the edges of every length', () => {
  const cases: [number, string][] = [
    [0, '00'],
    [63, '3f'],
    [64, '4040'],
    [16383, '7fff'],
    [16384, '80004000'],
    [2 ** 30 - 1, 'bfffffff'],
    [2 ** 30, 'c000000040000000'],
    [2 ** 32 - 1, 'c0000000ffffffff'],
    [2 ** 32, 'c000000100000000'],
    [2 ** 53 - 1, 'c01fffffffffffff'],
    [2 ** 53, 'c020000000000000'],
    [2 ** 62 - 512, 'fffffffffffffe00'],
  ];
  for (const [value, text] of cases) {
    assert.equal(write(value), text);
    assert.equal(read(text), value);
    assert.equal(varintLength(value), text.length / 2);
  }
});

test('above 2^53 a value is rounded up, never down', () => {
  assert.equal(read('c020000000000001'), 2 ** 53 + 512);
  assert.equal(read('d000000000000001'), 2 ** 60 + 512);
  assert.equal(read('d000000000000000'), 2 ** 60);
  assert.equal(read('ffffffffffffffff'), 2 ** 62);
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n - 1n }), (value) => {
      const got = BigInt(read((value | (3n << 62n)).toString(16)));
      assert(got >= value && got - value < 512n);
      if (value < 2n ** 53n) assert.equal(got, value);
    }),
  );
});

test('what does not fit is our own error', () => {
  for (const v of [-1, Number.NaN, 2 ** 62, Number.POSITIVE_INFINITY]) {
    assert.throws(() => writeVarint(new Uint8Array(8), 0, v), isLocal);
    assert.throws(() => writeVarintFixed(new Uint8Array(8), 0, v, 8), isLocal);
  }
  for (const [v, bytes] of [
    [64, 1],
    [16384, 2],
    [2 ** 30, 4],
  ] as const) {
    assert.throws(() => writeVarintFixed(new Uint8Array(8), 0, v, bytes), isLocal);
    assert.equal(read(hex(written((buf, at) => writeVarintFixed(buf, at, v - 1, bytes)))), v - 1);
  }
});

const isLocal = (error: unknown): boolean => error instanceof QuicError && error.fault === 'local';

test('a fixed length holds every smaller value', () => {
  for (const bytes of [1, 2, 4, 8]) {
    for (const v of [0, 1, 37, 63]) {
      const out = written((buf, at) => writeVarintFixed(buf, at, v, bytes));
      assert.equal(out.length, bytes);
      assert.equal(read(hex(out)), v);
    }
  }
  assert.equal(hex(written((buf, at) => writeVarintFixed(buf, at, 0x1234, 2))), '5234');
});

test('every prefix of an encoding is too short', () => {
  for (const text of ['25', '7bbd', '9d7f3e7d', 'c2197c5eff14e88c']) {
    const bytes = unhex(text);
    for (let end = 0; end < bytes.length; end++) {
      const error = remoteFault(() => new Reader().reset(bytes, 0, end).varint());
      assert.equal(error.code, 0x07);
    }
  }
});

test('round trip', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.constantFrom(0, 6, 14, 30, 40), (value, shift) => {
      const v = Math.floor(value / 2 ** shift);
      assert.equal(read(write(v)), v);
    }),
  );
});

test('prefixedRoom is the largest payload that fits with its length', () => {
  const brute = (room: number): number => {
    let n = room;
    while (n >= 0 && varintLength(n) + n > room) n--;
    return n;
  };
  for (const room of [-5, 0, 1, 2, 63, 64, 65, 66, 67, 1200, 16383, 16384, 16385, 16386, 16387, 16388, 16389, 20000]) {
    assert.equal(prefixedRoom(room), Math.max(-1, brute(room)), `room ${room}`);
  }
  for (const room of [2 ** 30 - 1, 2 ** 30 + 3, 2 ** 30 + 4, 2 ** 30 + 7, 2 ** 30 + 8, 2 ** 30 + 9]) {
    assert.equal(prefixedRoom(room), brute(room), `room ${room}`);
  }
});

test('writeU32 is in network order', () => {
  assert.equal(hex(written((buf, at) => writeU32(buf, at, 0x81020304))), '81020304');
});
