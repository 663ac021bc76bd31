import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowUs, threadCpuUs, tickUs } from './clock.ts';
import { PreciseTimer } from './timer.ts';

test('the clock is the one of process.hrtime, in microseconds', () => {
  const before = Number(process.hrtime.bigint()) / 1e3;
  const now = nowUs();
  const after = Number(process.hrtime.bigint()) / 1e3;
  assert.ok(before <= now + 1 && now <= after + 1);
});

test('ticks come 100 to 1,000 times a second', () => {
  assert.ok(tickUs() >= 1000 && tickUs() <= 10_000, `${tickUs()}`);
});

test('no clock goes backwards', () => {
  for (const clock of [nowUs, threadCpuUs]) {
    let last = clock();
    for (let i = 0; i < 1000; i++) {
      const now = clock();
      assert.ok(now >= last);
      last = now;
    }
  }
});

/** A timer whose next call resolves. */
const timerWithCalls = () => {
  const waiting: (() => void)[] = [];
  let calls = 0;
  const timer = new PreciseTimer(() => {
    calls++;
    waiting.shift()?.();
  });
  return { timer, next: () => new Promise<void>((resolve) => waiting.push(resolve)), calls: () => calls };
};

test('a timer fires after its deadline, again when armed again', async (t) => {
  const { timer, next, calls } = timerWithCalls();
  t.after(() => timer.close());
  for (let i = 1; i <= 5; i++) {
    const deadline = nowUs() + 300;
    timer.arm(deadline);
    await next();
    assert.ok(nowUs() >= deadline);
    assert.equal(calls(), i);
  }
});

test('a deadline in the past fires at once', async (t) => {
  const { timer, next } = timerWithCalls();
  t.after(() => timer.close());
  for (const past of [0, -1, Number.NEGATIVE_INFINITY, 0.0001, nowUs() - 1e6]) {
    timer.arm(past);
    await next();
  }
});

test('the last deadline counts; Infinity disarms', async (t) => {
  const { timer, next, calls } = timerWithCalls();
  const other = timerWithCalls();
  t.after(() => timer.close());
  t.after(() => other.timer.close());
  timer.arm(nowUs() + 3600e6);
  timer.arm(nowUs() + 100);
  await next();
  timer.arm(nowUs() + 100);
  timer.arm(Number.POSITIVE_INFINITY);
  other.timer.arm(nowUs() + 2000);
  await other.next();
  assert.equal(calls(), 1);
  for (const far of [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 8.9e18]) timer.arm(far);
  assert.throws(() => timer.arm(Number.NaN), RangeError);
});

test('a timer closes inside its own callback, and twice', async () => {
  await new Promise<void>((resolve) => {
    const timer = new PreciseTimer(() => {
      timer.close();
      timer.close();
      resolve();
    });
    timer.arm(0);
  });
});

test('an error thrown by a callback reaches uncaughtException, and the timer lives on', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Error>();
  // The runner's own listener would fail the test.
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', resolve);
  let calls = 0;
  const again = Promise.withResolvers<void>();
  const timer = new PreciseTimer(() => {
    if (calls++ === 0) throw new Error('from the callback');
    again.resolve();
  });
  t.after(() => timer.close());
  timer.arm(0);
  assert.equal((await promise).message, 'from the callback');
  for (const listener of listeners) process.on('uncaughtException', listener);
  timer.arm(0);
  await again.promise;
});
