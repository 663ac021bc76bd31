import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fold, sumWords } from '#protocol/ip/checksum.ts';
import { nativeSum } from './checksum.ts';

test('agrees with the sum in TypeScript at every offset and length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(20), fc.nat(20), (bytes, from, cut) => {
      const start = Math.min(from, bytes.length);
      const end = Math.max(start, bytes.length - cut);
      assert.equal(nativeSum(bytes, start, end), fold(sumWords(bytes, start, end)));
    }),
    { numRuns: 1000 },
  );
  assert.equal(nativeSum(new Uint8Array(65_536).fill(0xff), 0, 65_536), 0xffff);
});

test('a range outside of the buffer is a RangeError', () => {
  for (const [start, end] of [
    [0, 5],
    [3, 2],
    [-1, 2],
  ] as const)
    assert.throws(() => nativeSum(new Uint8Array(4), start, end), RangeError);
  assert.throws(() => nativeSum([] as unknown as Uint8Array, 0, 0), TypeError);
});
