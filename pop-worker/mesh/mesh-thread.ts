import { Worker } from 'node:worker_threads';
import { allocateSlots, type Slots } from '#telemetry/slots.ts';
import type { MeshCommand, MeshNotice, MeshStatus } from './messages.ts';
import type { MeshThreadSetup } from './setup.ts';

const STOP_MS = 2000;
const STATUS_MS = 1000;
/** It beats every 100 ms; what is silent for so long hangs. */
const SILENT_MS = 5000;

export interface MeshThreadEvents {
  notice(notice: MeshNotice): void;
  /** It ended by itself; one sentence. */
  gone(reason: string): void;
}

/** The mesh thread as the main thread has it. */
export class MeshThread {
  readonly slots: Slots = allocateSlots();
  /** Resolves with its UDP port when it serves. @throws Error with one sentence */
  readonly ready: Promise<number>;
  readonly #heartbeat = new Float64Array(new SharedArrayBuffer(8)).fill(Date.now());
  readonly #worker: Worker;
  readonly #events: MeshThreadEvents;
  readonly #exited: Promise<void>;
  readonly #settle = Promise.withResolvers<number>();
  readonly #asked = new Map<number, (status: MeshStatus) => void>();
  #lastAsked = 0;
  #isReady = false;
  #isStopping = false;
  #failure: string | undefined;

  constructor(setup: Omit<MeshThreadSetup, 'slots' | 'heartbeat'>, events: MeshThreadEvents) {
    this.#events = events;
    this.ready = this.#settle.promise;
    this.ready.catch(() => {});
    const workerData: MeshThreadSetup = {
      ...setup,
      slots: this.slots.buffer,
      heartbeat: this.#heartbeat.buffer as SharedArrayBuffer,
    };
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData, name: 'mesh' });
    this.#worker.on('message', (notice: MeshNotice) => this.#take(notice));
    this.#worker.on('error', (error) => {
      this.#failure = `the mesh thread broke: ${error instanceof Error ? error.stack : String(error)}`;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        resolve();
        this.#onExit(code);
      });
    });
  }

  post(command: MeshCommand): void {
    this.#worker.postMessage(command);
  }

  isAlive(): boolean {
    return Date.now() - (this.#heartbeat[0] as number) < SILENT_MS;
  }

  /** @returns undefined when the thread does not answer in time */
  status(): Promise<MeshStatus | undefined> {
    const id = ++this.#lastAsked;
    return new Promise((resolve) => {
      const settle = (status: MeshStatus | undefined): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(status);
      };
      const timer = setTimeout(() => settle(undefined), STATUS_MS);
      this.#asked.set(id, settle);
      this.post({ type: 'status', id });
    });
  }

  /** Ends its links and the thread, by force when it does not end in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.post({ type: 'stop' });
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #take(notice: MeshNotice): void {
    if (notice.type === 'ready') {
      this.#isReady = true;
      this.#settle.resolve(notice.port);
    } else if (notice.type === 'failed') this.#failure = notice.message;
    else if (notice.type === 'status') this.#asked.get(notice.id)?.(notice.status);
    else if (notice.type !== 'stopped') this.#events.notice(notice);
  }

  #onExit(code: number): void {
    const reason = this.#failure ?? `the mesh thread ended with ${code}`;
    if (!this.#isReady) this.#settle.reject(new Error(reason));
    else if (!this.#isStopping) this.#events.gone(reason);
  }
}
