import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrivalLog, longestGap, percentile, wasFlowing } from './gaps.ts';

const logOf = (...times: number[]): ArrivalLog => {
  const log = new ArrivalLog();
  for (const time of times) log.take(time);
  return log;
};

test('the longest gap is one that ends after the fault, or goes on to the end', () => {
  const log = logOf(0, 100, 110, 120, 620, 630);
  assert.deepEqual(log.gaps, [
    [0, 100],
    [120, 620],
  ]);
  assert.equal(longestGap(log, 115, 635), 500);
  assert.equal(longestGap(log, 50, 635), 500);
  assert.equal(longestGap(log, 625, 640), 10);
  assert.equal(longestGap(log, 115, 2000), 1370, 'it never came back');
});

test('a stream flowed if its last packet before the fault is no older than patience', () => {
  const log = logOf(1000, 1010, 1020, 1900);
  assert.equal(wasFlowing(log, 1030, 500), true);
  assert.equal(wasFlowing(log, 1800, 500), false);
  assert.equal(wasFlowing(log, 1905, 500), true);
  assert.equal(wasFlowing(log, 2500, 500), false);
  assert.equal(wasFlowing(log, 999, 500), false);
  assert.equal(wasFlowing(new ArrivalLog(), 1000, 500), false);
  assert.equal(wasFlowing(undefined, 1000, 500), false);
});

test('percentiles are values that were measured', () => {
  const values = [30, 10, 20, 40];
  assert.deepEqual([percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)], [20, 40, Number.NaN]);
});
