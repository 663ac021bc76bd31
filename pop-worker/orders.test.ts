import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Orders, stateBy } from './orders.ts';

test('each cause holds until it is taken back where it came from, and to drain is the stronger one', () => {
  const table: [Orders['controlPlane'], Orders['local'], string][] = [
    ['serve', 'serve', 'ready'],
    ['serve', 'withdraw', 'withdrawn'],
    ['serve', 'drain', 'draining'],
    ['drain', 'serve', 'draining'],
    ['drain', 'withdraw', 'draining'],
    ['drain', 'drain', 'draining'],
  ];
  for (const [controlPlane, local, state] of table) {
    assert.equal(stateBy({ controlPlane, local }), state, `${controlPlane}, ${local}`);
  }
});
