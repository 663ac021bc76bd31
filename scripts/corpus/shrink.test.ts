import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shrink } from './shrink.ts';

test('what matters is left, in order, and nothing else', () => {
  const input = Uint8Array.from({ length: 200 }, (_, i) => i);
  const holds = (bytes: Uint8Array): boolean => bytes.indexOf(77) >= 0 && bytes.indexOf(150) > bytes.indexOf(77);
  assert.deepEqual([...shrink(input, holds)], [77, 150]);
  const long = (bytes: Uint8Array): boolean => bytes.length >= 5 && bytes[3] !== 0;
  assert.deepEqual(
    [...shrink(input, long)].map((byte) => byte !== 0),
    [false, false, false, true, false],
  );
});

test('it ends after so many attempts, with something for which it holds', () => {
  const input = Uint8Array.from({ length: 1000 }, (_, i) => i + 1);
  let asked = 0;
  const found = shrink(input, (bytes) => ++asked > 0 && bytes.includes(9), 10);
  assert.equal(asked, 10);
  assert.ok(found.includes(9) && found.length < 1000);
});
