import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowUs } from './clock.ts';
import { Patience, type PatienceRules } from './patience.ts';

/** @returns milliseconds until it gave up, and whether it had given more time */
const waitedMs = async (rules: PatienceRules, excusedUs?: () => number) => {
  const start = nowUs();
  const { promise, resolve } = Promise.withResolvers<void>();
  const patience = new Patience(rules, resolve, excusedUs);
  await promise;
  return { ms: (nowUs() - start) / 1000, wasLonger: patience.wasLonger };
};

test('who has no excuse has the limit', async () => {
  const { ms, wasLonger } = await waitedMs({ limitMs: 30, mostMs: 10_000 });
  assert.ok(ms >= 29 && ms < 5000, String(ms));
  assert.equal(wasLonger, false);
});

test('an excuse of the other end counts, but not for longer than the most', async () => {
  const start = nowUs();
  const excused = await waitedMs({ limitMs: 30, mostMs: 10_000 }, () => Math.min(nowUs() - start, 150_000));
  assert.ok(excused.ms >= 178, String(excused.ms));
  assert.equal(excused.wasLonger, true);
  const { ms } = await waitedMs({ limitMs: 30, mostMs: 300 }, () => 1e9);
  assert.ok(ms >= 299, String(ms));
});

test('what has come while the thread was busy is heard before it gives up', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const patience = new Patience({ limitMs: 20, mostMs: 10_000 }, () => resolve('gave up'));
  const { port1, port2 } = new MessageChannel();
  port2.addEventListener('message', () => {
    patience.close();
    resolve('heard');
  });
  port2.start();
  port1.postMessage('an answer');
  for (const end = nowUs() + 100_000; nowUs() < end; );
  assert.equal(await promise, 'heard');
  port1.close();
  port2.close();
});
