import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { nowUs } from '../clock/clock.ts';
import { native } from '../native.ts';
import { CoreWait } from './core-wait.ts';

const NATIVE = new URL('../native.ts', import.meta.url).href;
/** Says which thread it is, then does one thing; pinned to CPU 0 where it is to share that. */
const threadThat = async (t: TestContext, what: 'spin' | 'sleep', pinned: boolean) => {
  const code = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(NATIVE)}).then(({ native }) => {
      ${pinned ? 'native.threadPin(Int32Array.of(0));' : ''}
      parentPort.postMessage(native.threadId());
      ${what === 'spin' ? 'for (;;);' : 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'}
    });`;
  const worker = new Worker(code, { eval: true });
  t.after(() => worker.terminate());
  const [thread] = (await once(worker, 'message')) as [number];
  const wait = CoreWait.of(thread);
  assert.ok(wait !== undefined, 'this kernel counts');
  t.after(() => wait.close());
  return wait;
};

/** Looks for so long. @returns milliseconds of waiting meanwhile */
const waitedIn = async (wait: CoreWait, ms: number): Promise<number> => {
  const before = wait.totalUs(nowUs());
  let last = before;
  for (const end = performance.now() + ms; performance.now() < end; ) {
    await sleep(25);
    last = wait.totalUs(nowUs());
  }
  return (last - before) / 1000;
};

test('a thread that sleeps does not wait for a core', async (t) => {
  const wait = await threadThat(t, 'sleep', false);
  assert.ok((await waitedIn(wait, 300)) < 100);
});

test('a thread that shares its core with others waits for most of the time', async (t) => {
  const others = Array.from({ length: 3 }, () =>
    spawn('taskset', ['-c', '0', process.execPath, '-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  t.after(() => others.map((other) => other.kill('SIGKILL')));
  await Promise.all(others.map((other) => once(other, 'spawn')));
  const wait = await threadThat(t, 'spin', true);
  await sleep(200);
  const waited = await waitedIn(wait, 1000);
  assert.ok(waited > 300, `${waited} ms of 1000`);
});

test('there is nothing to count of a thread that is not there', () => {
  assert.equal(CoreWait.of(0), undefined);
  const own = CoreWait.of(native.threadId());
  assert.ok((own?.totalUs(nowUs()) ?? 0) >= 0);
  own?.close();
});
