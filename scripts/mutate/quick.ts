import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { QuickData, QuickReport } from './quick-worker.ts';
import { LEAST_LIMIT_MS, type Runner, type Trial } from './runner.ts';

/** Modules of earlier attempts are never let go of by a thread, so that one is replaced after so many. */
const MOST_ATTEMPTS = 150;

/** For tests of nothing but JavaScript: a thread, many times faster than a process for each fault. */
export class QuickRunner implements Runner {
  readonly #data: QuickData;
  #worker: Worker | undefined;
  #attempts = 0;
  /** How long each file of tests took the first time, without a fault: so a fault that never ends is known early. */
  #usualMs: readonly number[] = [];

  constructor(root: string, { file, tests }: Trial) {
    this.#data = { root, file: join(root, file), tests: tests.map((test) => join(root, test)) };
  }

  async passes(source: string, limitMs: number): Promise<boolean> {
    if (this.#attempts++ % MOST_ATTEMPTS === 0) await this.close();
    const worker = this.#worker ?? this.#open();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    // An error that no test catches, in a timer for instance, ends the thread.
    worker.once('error', () => void this.close().then(() => resolve(false)));
    const begun: number[] = [];
    let timer: NodeJS.Timeout | undefined;
    worker.on('message', (report: QuickReport) => {
      clearTimeout(timer);
      if (report !== 'next') return resolve(report);
      const usual = this.#usualMs[begun.length];
      const ms = usual === undefined ? limitMs : Math.min(limitMs, Math.max(LEAST_LIMIT_MS, 5 * usual));
      timer = setTimeout(() => void this.close().then(() => resolve(false)), ms);
      begun.push(performance.now());
    });
    worker.postMessage(source);
    const passed = await promise;
    clearTimeout(timer);
    const ended = [...begun.slice(1), performance.now()];
    if (passed && this.#usualMs.length === 0) this.#usualMs = begun.map((at, i) => (ended[i] as number) - at);
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
