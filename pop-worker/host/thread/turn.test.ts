import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { allocateTurn, inTurn } from './turn.ts';

test('threads act one after the other, whoever of them began first; one that fails leaves its turn to the next', async () => {
  const [turn, log] = [allocateTurn(), new SharedArrayBuffer(32)];
  const code = `
    const { workerData: { turn, log, index, at } } = require('node:worker_threads');
    import(at).then(({ inTurn }) => {
      const words = new Int32Array(log);
      inTurn(turn, index, () => {
        words[1 + Atomics.add(words, 0, 1)] = index;
        if (index === 1) throw new Error('no socket');
      });
    });`;
  const at = new URL('./turn.ts', import.meta.url).href;
  const ends = [3, 2, 1, 0].map((index) => {
    const worker = new Worker(code, { eval: true, workerData: { turn, log, index, at } });
    return new Promise((resolve) => {
      worker.once('error', (error) => resolve(error instanceof Error ? error.message : 'none'));
      worker.once('exit', () => resolve('done'));
    });
  });
  assert.deepEqual(await Promise.all(ends), ['done', 'done', 'no socket', 'done']);
  assert.deepEqual([...new Int32Array(log).subarray(0, 5)], [4, 0, 1, 2, 3]);
});

test('who is not let in, because one before it did not begin, says so', () => {
  const turn = allocateTurn();
  assert.throws(() => inTurn(turn, 1, () => {}, 10), { message: 'thread 0 did not begin' });
  assert.equal(
    inTurn(turn, 0, () => 'first'),
    'first',
  );
  assert.equal(
    inTurn(turn, 1, () => 'second', 10),
    'second',
  );
});
