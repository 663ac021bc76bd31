import { Worker } from 'node:worker_threads';
import { allocateSlots, type Slots } from '#telemetry/slots.ts';
import type { DnsCommand, DnsDefence, DnsListen, DnsNotice, DnsThreadSetup } from './setup.ts';

const STOP_MS = 2000;
/** It beats every 100 ms; what is silent for so long hangs. */
const SILENT_MS = 5000;

export interface DnsThreadEvents {
  /** A zone that was told cannot be served: the others are. */
  refused(apex: string, reason: string): void;
  /** A bug was met. */
  fault(error: string): void;
  /** It ended by itself; one sentence. */
  gone(reason: string): void;
}

/**
 * The DNS thread as the main thread has it. It is one of its own: a flood of queries takes the time of none that forwards,
 * nor of that which follows the control plane.
 */
export class DnsThread {
  readonly slots: Slots = allocateSlots();
  /** Resolves with its ports when it answers. @throws Error with one sentence */
  readonly ready: Promise<readonly number[]>;
  readonly #heartbeat = new Float64Array(new SharedArrayBuffer(8)).fill(Date.now());
  readonly #worker: Worker;
  readonly #events: DnsThreadEvents;
  readonly #exited: Promise<void>;
  readonly #settle = Promise.withResolvers<readonly number[]>();
  #isReady = false;
  #isStopping = false;
  #failure: string | undefined;

  constructor(listen: readonly DnsListen[], defence: DnsDefence, events: DnsThreadEvents) {
    this.#events = events;
    this.ready = this.#settle.promise;
    this.ready.catch(() => {});
    const workerData: DnsThreadSetup = {
      listen,
      defence,
      slots: this.slots.buffer,
      heartbeat: this.#heartbeat.buffer as SharedArrayBuffer,
    };
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData, name: 'dns' });
    this.#worker.on('message', (notice: DnsNotice) => this.#take(notice));
    this.#worker.on('error', (error) => {
      this.#failure = `the DNS thread broke: ${error instanceof Error ? error.stack : String(error)}`;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        resolve();
        this.#onExit(code);
      });
    });
  }

  post(command: DnsCommand): void {
    this.#worker.postMessage(command);
  }

  isAlive(): boolean {
    return Date.now() - (this.#heartbeat[0] as number) < SILENT_MS;
  }

  /** Ends the thread, by force when it does not end in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.post({ type: 'stop' });
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #take(notice: DnsNotice): void {
    if (notice.type === 'ready') {
      this.#isReady = true;
      this.#settle.resolve(notice.ports);
    } else if (notice.type === 'failed') this.#failure = notice.message;
    else if (notice.type === 'fault') this.#events.fault(notice.error);
    else this.#events.refused(notice.apex, notice.reason);
  }

  #onExit(code: number): void {
    const reason = this.#failure ?? `the DNS thread ended with ${code}`;
    if (!this.#isReady) this.#settle.reject(new Error(reason));
    else if (!this.#isStopping) this.#events.gone(reason);
  }
}
