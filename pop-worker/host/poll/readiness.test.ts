import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { native } from '../native.ts';
import { Readiness } from './readiness.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await turn();
};

/** An eventfd: always writable, readable from the first ring on. */
const made = (
  t: TestContext,
): { readonly readiness: Readiness; readonly ring: () => void; readonly asked: number[] } => {
  const bell = native.doorbellOpen();
  const asked: number[] = [];
  const readiness = new Readiness(() => {
    asked.push(bell);
    return native.doorbellDescriptor(bell);
  });
  t.after(() => {
    readiness.close();
    native.doorbellClose(bell);
  });
  return { readiness, ring: () => native.doorbellRing(bell), asked };
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
