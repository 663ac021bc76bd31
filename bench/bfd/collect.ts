/**
 * Preloaded into a worker: each of its threads collects all garbage again and again, with what lives in it made larger but in
 * the thread of BFD. Says how often in the folder `CBR_BENCH_COLLECT`, a file each thread.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { threadName } from 'node:worker_threads';

const EVERY_MS = 100;
const TELLS_EACH = 10;
/** So that each collection takes tens of milliseconds. */
const KEPT_OBJECTS = 100_000;

const folder = process.env['CBR_BENCH_COLLECT'];
if (folder !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const name = threadName || 'main';
  const kept = name === 'bfd' ? [] : Array.from({ length: KEPT_OBJECTS }, (_, i) => ({ i, text: [i] }));
  let count = 0;
  setInterval(() => {
    kept[count % kept.length] = { i: count, text: [] };
    collect();
    // The thread of BFD does not wait for a disk in earnest, and so not here.
    if (++count % TELLS_EACH === 0 && name !== 'bfd') writeFileSync(path.join(folder, name), String(count));
  }, EVERY_MS).unref();
}
