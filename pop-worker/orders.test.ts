import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Orders, routingBy, stateBy } from './orders.ts';

test('each cause holds until it is taken back where it came from; sessions go by a drain, prefixes by a withdrawal', () => {
  const table: [Orders['controlPlane'], Orders['local'], state: string, routing: string, atStop: string][] = [
    ['serve', 'serve', 'ready', 'serve', 'drain'],
    ['serve', 'withdraw', 'withdrawn', 'withdraw', 'withdraw'],
    ['serve', 'drain', 'draining', 'drain', 'drain'],
    ['drain', 'serve', 'draining', 'drain', 'drain'],
    ['drain', 'withdraw', 'draining', 'withdraw', 'withdraw'],
    ['drain', 'drain', 'draining', 'drain', 'drain'],
    ['drain', 'undrain', 'ready', 'serve', 'drain'],
    ['serve', 'undrain', 'ready', 'serve', 'drain'],
  ];
  for (const [controlPlane, local, state, routing, atStop] of table) {
    const orders = { controlPlane, local };
    const found = [stateBy(orders), routingBy(orders, false), routingBy(orders, true)];
    assert.deepEqual(found, [state, routing, atStop], `${controlPlane}, ${local}`);
  }
});
