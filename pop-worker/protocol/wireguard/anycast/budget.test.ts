import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket, UNANSWERED_A_SECOND } from './budget.ts';

/** How many are begun at once. */
const taken = (budget: TokenBucket, now: number): number => {
  let count = 0;
  while (count < 10_000 && budget.take(now)) count++;
  return count;
};

test('200 at once, and then one each 5 ms', () => {
  assert.equal(UNANSWERED_A_SECOND, 200);
  const budget = new TokenBucket(UNANSWERED_A_SECOND);
  assert.equal(taken(budget, 1e6), 200);
  assert.equal(taken(budget, 1e6 + 4999), 0);
  assert.equal(taken(budget, 1e6 + 5000), 1, 'the time between counts, also that of a refusal');
  assert.equal(taken(budget, 1.5e6), 99);
  let count = 0;
  for (let us = 1.5e6 + 1000; us <= 2.5e6; us += 1000) count += taken(budget, us);
  assert.equal(count, 200);
});

test('what was not used is kept for a second, and no more', () => {
  const budget = new TokenBucket(UNANSWERED_A_SECOND);
  assert.equal(taken(budget, 0), 200);
  assert.equal(taken(budget, 0.75e6), 150);
  assert.equal(taken(budget, 100e6), 200);
  assert.equal(taken(budget, 100e6), 0);
});

test('a time that goes backwards gives nothing, and is not given twice', () => {
  const budget = new TokenBucket(UNANSWERED_A_SECOND);
  taken(budget, 10e6);
  assert.equal(taken(budget, 5e6), 0);
  assert.equal(taken(budget, 10e6), 0);
  assert.equal(taken(budget, 10.5e6), 100);
});
