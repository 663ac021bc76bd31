import { MessageChannel, Worker } from 'node:worker_threads';
import { nowUs } from '#host/clock/clock.ts';
import type { ThreadKind, WatchedThread } from '#host/thread/beats.ts';
import { allocateSlots, type Slots } from '#telemetry/slots.ts';
import type { BfdCommand, BfdNotice } from './messages.ts';
import type { BfdSeat } from './seat.ts';
import { allocateTable, type BfdSessionConfig, type BfdThreadSetup } from './setup.ts';
import { type BfdListener, type ThreadSession, ThreadSessions } from './thread-session.ts';

/** What a `BfdThread` is started with. */
export interface BfdThreadOptions {
  readonly watched: readonly WatchedThread[];
  /** SCHED_RR with this priority, 1 to 99; 0: not. */
  readonly priority: number;
  /** Path of the network namespace to be in; undefined: that of the process. */
  readonly namespace?: string;
}

const STOP_MS = 2000;
const SILENT_US = 1_000_000;
/** A scavenge waits for helper threads, which are ordinary ones: with so much room there is hardly ever one. */
const YOUNG_MB = 64;

export interface BfdEvents {
  /** The thread ended by itself; one sentence. Peers find all sessions silent. */
  gone(reason: string): void;
  /** All sessions are kept down because that thread does not beat; undefined: no more. */
  held(thread: ThreadKind | undefined): void;
}

/** The BFD thread as the main thread has it: commands go by messages, figures are read from shared memory. */
export class BfdThread {
  readonly slots: Slots = allocateSlots();
  /** Resolves with whether the thread goes before ordinary ones (SCHED_RR). */
  readonly ready: Promise<boolean>;
  readonly #table = allocateTable();
  readonly #beat = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)).fill(nowUs());
  readonly #worker: Worker;
  readonly #events: BfdEvents;
  readonly #exited: Promise<void>;
  readonly #sessions: ThreadSessions;
  readonly #settle = Promise.withResolvers<boolean>();
  #isStopping = false;
  #failure: string | undefined;

  constructor(options: BfdThreadOptions, events: BfdEvents) {
    this.#events = events;
    this.ready = this.#settle.promise;
    this.ready.catch(() => {});
    const workerData: BfdThreadSetup = {
      ...options,
      slots: this.slots.buffer,
      table: this.#table,
      beat: this.#beat.buffer as SharedArrayBuffer,
    };
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData, name: 'bfd', resourceLimits });
    this.#sessions = new ThreadSessions(this.#table, (command) => this.#worker.postMessage(command));
    this.#worker.on('message', (notice: BfdNotice) => this.#take(notice));
    this.#worker.on('error', (error) => {
      this.#failure = `the BFD thread broke: ${error instanceof Error ? error.stack : String(error)}`;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        resolve();
        this.#onExit(code);
      });
    });
  }

  /** Whether its timers still run: it beats at least every 100 ms. */
  isAlive(): boolean {
    return nowUs() - (this.#beat[0] as number) < SILENT_US;
  }

  open(config: BfdSessionConfig, listener: BfdListener): ThreadSession {
    return this.#sessions.open(config, listener);
  }

  /** A place for another thread to have sessions from, which it is to be posted to with `port` in the list of transfers. */
  seat(): BfdSeat {
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ type: 'seat', port: port1 } satisfies BfdCommand, [port1]);
    return { port: port2, table: this.#table };
  }

  /** Takes all sessions down administratively and ends the thread, by force when it does not end in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#worker.postMessage({ type: 'stop' } satisfies BfdCommand);
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #take(notice: BfdNotice): void {
    switch (notice.type) {
      case 'ready':
        this.#settle.resolve(notice.realtime);
        return;
      case 'held':
        this.#events.held(notice.thread);
        return;
      case 'stopped':
        return;
      default:
        this.#sessions.take(notice);
    }
  }

  #onExit(code: number): void {
    const reason = this.#failure ?? `the BFD thread ended with ${code}`;
    this.#settle.reject(new Error(reason));
    if (!this.#isStopping) this.#events.gone(reason);
  }
}
