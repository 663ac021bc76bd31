import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { QuickData } from './quick-worker.ts';
import type { Runner, Trial } from './runner.ts';

/** Modules of earlier attempts are never let go of by a thread, so that one is replaced after so many. */
const MOST_ATTEMPTS = 150;

/** For tests of nothing but JavaScript: a thread, many times faster than a process for each fault. */
export class QuickRunner implements Runner {
  readonly #data: QuickData;
  #worker: Worker | undefined;
  #attempts = 0;

  constructor(root: string, { file, tests }: Trial) {
    this.#data = { root, file: join(root, file), tests: tests.map((test) => join(root, test)) };
  }

  async passes(source: string, limitMs: number): Promise<boolean> {
    if (this.#attempts++ % MOST_ATTEMPTS === 0) await this.close();
    const worker = this.#worker ?? this.#open();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => void this.close().then(() => resolve(false)), limitMs);
    worker.once('message', resolve);
    // An error that no test catches, in a timer for instance, ends the thread.
    worker.once('error', () => void this.close().then(() => resolve(false)));
    worker.postMessage(source);
    const passed = await promise;
    clearTimeout(timer);
    worker.removeAllListeners('message').removeAllListeners('error');
    return passed;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #open(): Worker {
    const options = { workerData: this.#data, stdout: true, stderr: true };
    this.#worker = new Worker(new URL('quick-worker.ts', import.meta.url), options);
    return this.#worker;
  }
}
