import assert from 'node:assert/strict';
import test from 'node:test';
import { Allowance, INITIAL_WINDOW } from './allowance.ts';

test('an initial window of datagrams goes in a probe timeout, and as many in the next one', () => {
  const allowance = new Allowance();
  const taken = (now: number): number =>
    Array.from({ length: 50 }, () => allowance.take(now, 1000)).filter(Boolean).length;
  assert.deepEqual(
    [taken(5), taken(1004), taken(1005), taken(9000)],
    [INITIAL_WINDOW, 0, INITIAL_WINDOW, INITIAL_WINDOW],
  );
});
