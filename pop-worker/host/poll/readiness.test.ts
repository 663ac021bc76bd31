import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Readiness } from './readiness.ts';
import { bell, pipe } from './testing/pipe.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await turn();
};

/** Always writable, readable from the first ring on. */
const made = (
  t: TestContext,
): { readonly readiness: Readiness; readonly ring: () => void; readonly asked: number[] } => {
  const { descriptor, ring } = bell(t);
  const asked: number[] = [];
  const readiness = new Readiness(() => {
    asked.push(descriptor);
    return descriptor;
  });
  readiness.onLost(() => assert.fail('nothing is broken'));
  t.after(() => readiness.close());
  return { readiness, ring, asked };
};

test('readable as long as something waits, until nobody wants to know', async (t) => {
  const { readiness, ring } = made(t);
  let calls = 0;
  readiness.onReadable(() => calls++);
  await turns();
  assert.equal(calls, 0);
  ring();
  while (calls < 3) await turn();
  readiness.onReadable(undefined);
  const before = calls;
  await turns();
  assert.equal(calls, before);
});

test('writable is told once, and may be asked for again in the callback', async (t) => {
  const { readiness } = made(t);
  const calls: string[] = [];
  readiness.onceWritable(() => {
    calls.push('first');
    readiness.onceWritable(() => calls.push('second'));
  });
  while (calls.length < 2) await turn();
  await turns();
  assert.deepEqual(calls, ['first', 'second']);
});

/** Events that the event loop had while it had nothing to do but wait for a timer. */
const eventsWhileIdle = async (): Promise<number> => {
  await turns();
  const before = performance.nodeTiming.uvMetricsInfo.events;
  await sleep(50);
  return performance.nodeTiming.uvMetricsInfo.events - before;
};

test('nobody is woken in vain: not for what is readable once nobody reads, not for what is writable', async (t) => {
  const { readiness, ring } = made(t);
  let calls = 0;
  ring();
  readiness.onReadable(() => calls++);
  while (calls === 0) await turn();
  // The bell still rings: whoever watches is woken again and again.
  assert.ok((await eventsWhileIdle()) > 100);
  readiness.onReadable(undefined);
  assert.ok((await eventsWhileIdle()) < 20);
  readiness.onceWritable(() => calls++);
  assert.ok((await eventsWhileIdle()) < 20);
});

test('what is broken for good is told, and is not ready', async (t) => {
  const { reader, writer } = pipe(t);
  const calls: string[] = [];
  const readiness = new Readiness(() => writer);
  t.after(() => {
    readiness.close();
    closeSync(writer);
  });
  readiness.onLost(() => calls.push('lost'));
  readiness.onReadable(() => calls.push('readable'));
  await turns();
  closeSync(reader);
  while (calls.length === 0) await turn();
  readiness.onceWritable(() => calls.push('writable'));
  await turns();
  assert.deepEqual(calls.slice(0, 1), ['lost']);
  assert.ok(!calls.includes('readable') && !calls.includes('writable'), calls.join());
});

test('no callback comes after the end, which may come inside of one', async (t) => {
  const { readiness, ring, asked } = made(t);
  const calls: string[] = [];
  ring();
  readiness.onReadable(() => calls.push('readable'));
  readiness.onceWritable(() => {
    calls.push('writable');
    assert.equal(readiness.close(), true);
    assert.equal(readiness.close(), false);
  });
  while (calls.length === 0) await turn();
  readiness.onceWritable(() => calls.push('too late'));
  await turns();
  assert.deepEqual(calls, ['writable']);
  assert.equal(asked.length, 1);
});

test('nothing is watched before somebody waits', (t) => {
  const { readiness, asked } = made(t);
  readiness.onLost(() => {});
  assert.equal(asked.length, 0);
});
