import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paceBetween, stormFigures } from './figures.ts';
import { addressAfter } from './order.ts';

const survivor = Array.from({ length: 100 }, (_, i) => ({
  at: 100 * i,
  bytes: i <= 50 ? 100 * i : 5000 + 50 * (i - 50),
}));

test('who is back when, and what survivors kept', () => {
  const storm = {
    killedAt: 5000,
    back: [5500, 0, 7000, 6000],
    resumed: 3,
    survivor,
    cpuSeconds: 0.003,
    residentBytes: 1,
  };
  const figures = new Map(stormFigures(storm).map(({ metric, value }) => [metric, value]));
  assert.equal(figures.get('not_back'), 1);
  assert.equal(figures.get('all_back'), 2000);
  assert.equal(figures.get('back_p50'), 1000);
  assert.equal(figures.get('survivors_kept'), 0.5);
  assert.equal(figures.get('worker_cpu_per_client'), 1000);
});

test('the pace of what nobody saw is nothing', () => {
  assert.equal(paceBetween(survivor, 20_000, 30_000), 0);
  assert.equal(paceBetween(survivor, 1000, 2000), 1000);
});

test('addresses count over a byte', () => {
  assert.equal(addressAfter('198.18.0.1', 0), '198.18.0.1');
  assert.equal(addressAfter('198.18.0.1', 255), '198.18.1.0');
});
