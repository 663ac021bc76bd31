/** Preloaded into a worker: its data-plane threads do nothing for as long as the file `CBR_TEST_WEDGE` is there. */
import { existsSync } from 'node:fs';
import { threadName } from 'node:worker_threads';

const EVERY_MS = 10;
const file = process.env['CBR_TEST_WEDGE'];

if (file !== undefined && threadName?.startsWith('data-')) {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => {
    while (existsSync(file)) Atomics.wait(nothing, 0, 0, EVERY_MS);
  }, EVERY_MS).unref();
}
