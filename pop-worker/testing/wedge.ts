/**
 * Preloaded into a program: some of its threads do nothing for as long as a file is there. Where the file has a number, a
 * thread does nothing for so many milliseconds and then removes it.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isMainThread, threadName } from 'node:worker_threads';

const EVERY_MS = 10;
/** Variables that name the file, and whose threads it is for. */
const WEDGES = {
  CBR_TEST_WEDGE: threadName?.startsWith('data-') === true,
  CBR_TEST_WEDGE_BGP: threadName === 'bgp',
  CBR_TEST_WEDGE_MAIN: isMainThread,
};
const nothing = new Int32Array(new SharedArrayBuffer(4));

const wedge = (file: string): void => {
  if (!existsSync(file)) return;
  const ms = Number(readFileSync(file, 'utf8'));
  if (ms > 0) {
    Atomics.wait(nothing, 0, 0, ms);
    rmSync(file);
  } else while (existsSync(file)) Atomics.wait(nothing, 0, 0, EVERY_MS);
};

for (const [variable, isWanted] of Object.entries(WEDGES)) {
  const file = process.env[variable];
  if (file !== undefined && isWanted) setInterval(() => wedge(file), EVERY_MS).unref();
}
