import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { native } from '../native.ts';
import { Poll, PollEvent } from './poll.ts';
import { bell } from './testing/pipe.ts';

const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** Runs source text as a module in a process of its own. @returns what it printed; throws when it ended badly */
const run = async (source: string, ...flags: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', source]);
  return stdout;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the watch outlives the descriptor it was made from', async () => {
  const timer = native.timerOpen();
  const fired = Promise.withResolvers<number>();
  const poll = native.pollOpen(native.timerDescriptor(timer), true, (_events, count) => fired.resolve(count));
  native.pollSet(poll, PollEvent.readable);
  native.timerArm(timer, 0);
  native.timerClose(timer);
  assert.equal(await fired.promise, 1);
  native.pollClose(poll);
});

test('two watches of one descriptor are independent', async (t) => {
  const { descriptor, ring } = bell(t);
  const calls = [0, 0];
  const polls = calls.map((_, i) => {
    return new Poll(descriptor, () => {
      calls[i] = (calls[i] ?? 0) + 1;
    });
  });
  for (const poll of polls) poll.watch(PollEvent.readable);
  ring();
  while (calls.some((count) => count === 0)) await turn();
  polls[0]?.close();
  const [closed, open = 0] = calls;
  while ((calls[1] ?? 0) === open) await turn();
  assert.equal(calls[0], closed);
  polls[1]?.watch(0);
  const paused = calls[1];
  for (let i = 0; i < 3; i++) await turn();
  assert.equal(calls[1], paused);
  polls[1]?.close();
  assert.throws(() => polls[1]?.watch(PollEvent.readable), { code: 'ERR_CLOSED' });
  polls[1]?.unref();
});

test('a process ends with watches open, by itself when they are unreferenced', async () => {
  const open = `
    const { PreciseTimer } = await import(${module('../clock/timer.ts')});
    const timers = Array.from({ length: 100 }, () => new PreciseTimer(() => {}));
    console.log(timers.length);`;
  assert.equal(await run(`${open} process.exit(0)`), '100\n');
  assert.equal(await run(`${open} for (const timer of timers) timer.unref()`), '100\n');
});

test('watches that are let go of are collected, closed or not', async () => {
  const source = `
    const { native } = await import(${module('../native.ts')});
    const { readdirSync } = await import('node:fs');
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 50; i++) {
        const timer = native.timerOpen();
        const poll = native.pollOpen(native.timerDescriptor(timer), true, () => {});
        if (i % 2) native.pollClose(poll);
      }
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let i = 0; i < 100 && descriptors() > before + 10; i++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(descriptors() <= before + 10);`;
  // The engine may still hold the last few; without collection it would be 1500.
  assert.equal(await run(source, '--expose-gc'), 'true\n');
});
