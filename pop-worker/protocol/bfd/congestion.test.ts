import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALM_US, Congestion, MOST_STRETCH } from './congestion.ts';

test('intervals double with each failure up to 8 times, and halve with each minute Up', () => {
  const congestion = new Congestion();
  assert.equal(CALM_US, 60e6);
  congestion.onUp(0);
  assert.deepEqual([congestion.relax(CALM_US), congestion.stretch], [false, 1], 'nothing to relax');
  const seen = Array.from({ length: 5 }, () => {
    congestion.onExpired();
    return congestion.stretch;
  });
  assert.deepEqual(seen, [2, 4, 8, 8, MOST_STRETCH]);
  assert.equal(congestion.relax(1e12), false, 'not while Down');
  congestion.onUp(1000);
  assert.equal(congestion.relax(1000 + CALM_US - 1), false);
  assert.deepEqual([congestion.relax(1000 + CALM_US), congestion.stretch], [true, 4]);
  assert.equal(congestion.relax(1000 + CALM_US + 1), false, 'a whole minute each time');
  assert.deepEqual([congestion.relax(1000 + 2 * CALM_US), congestion.stretch], [true, 2]);
  congestion.onExpired();
  assert.deepEqual([congestion.relax(1e12), congestion.stretch], [false, 4]);
});
