import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IntegerReader, MAX_INTEGER_BYTES, writeInteger } from './integer.ts';
import { hex, toHex } from './testing/hex.ts';

const write = (value: number, prefixBits: number, flags = 0): Uint8Array => {
  const out = new Uint8Array(MAX_INTEGER_BYTES);
  return out.subarray(0, writeInteger(out, 0, flags, prefixBits, value));
};

/** @returns the value, 'more' or 'error' */
const read = (bytes: Uint8Array, prefixBits: number): number | 'more' | 'error' => {
  const reader = new IntegerReader();
  if (reader.begin(bytes[0] as number, prefixBits)) return reader.value;
  for (const byte of bytes.subarray(1)) {
    const state = reader.push(byte);
    if (state === 1) return reader.value;
    if (state === -1) return 'error';
  }
  return 'more';
};

test('RFC 7541 §C.1', () => {
  assert.equal(toHex(write(10, 5)), '0a');
  assert.equal(toHex(write(1337, 5)), '1f9a0a');
  assert.equal(toHex(write(42, 8)), '2a');
  assert.equal(read(hex('1f9a0a'), 5), 1337);
});

test('round trip for every prefix, whatever the flags', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 8 }), (value, prefixBits) => {
      const flags = (0xff << prefixBits) & 0xff;
      const bytes = write(value, prefixBits, flags);
      assert.equal(read(bytes, prefixBits), value);
      for (let cut = 1; cut < bytes.length; cut++) assert.equal(read(bytes.subarray(0, cut), prefixBits), 'more');
    }),
  );
});

test('on both sides of each byte more', () => {
  for (const [value, hexadecimal] of [
    [30, '1e'],
    [31, '1f00'],
    [31 + 127, '1f7f'],
    [31 + 128, '1f8001'],
    [31 + 128 * 128 - 1, '1fff7f'],
    [31 + 128 * 128, '1f808001'],
  ] as const) {
    assert.equal(toHex(write(value, 5)), hexadecimal);
    assert.equal(read(hex(hexadecimal), 5), value);
  }
  assert.equal(write(Number.MAX_SAFE_INTEGER, 1).length, 9);
  assert.equal(MAX_INTEGER_BYTES, 10);
});

test('62 bits are the limit, in value and in bytes (RFC 9204 §4.1.1)', () => {
  assert.equal(read(hex('ff 80feffffffffffff3f'), 8), 2 ** 62, 'rounded');
  assert.equal(read(hex('ff ffffffffffffffff7f'), 8), 'error');
  assert.equal(read(hex('ff 80808080808080808001'), 8), 'error');
  assert.equal(read(hex('ff 808080808080808000'), 8), 255);
});
