import assert from 'node:assert/strict';
import test from 'node:test';
import { UsedTokens } from './used-tokens.ts';

const id = (n: number): Uint8Array => Uint8Array.of(1, 2, 3, 4, 5, 6, n >> 8, n);

test('RFC 9000 §8.1.4: a token is good once', () => {
  const used = new UsedTokens();
  assert.deepEqual(
    [1, 2, 1, 2, 3].map((n) => used.use(id(n))),
    [true, true, false, false, true],
  );
});

test('no more are remembered than was said, the oldest goes first', () => {
  const used = new UsedTokens(100);
  for (let n = 0; n < 1000; n++) assert.ok(used.use(id(n)));
  assert.equal(used.size, 100);
  assert.deepEqual([used.use(id(999)), used.use(id(900)), used.use(id(899))], [false, false, true]);
});
