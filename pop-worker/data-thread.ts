import { Worker } from 'node:worker_threads';
import type { Assessment, Outlook } from '#control/source.ts';
import type { Command, Notice } from '#dataplane/commands.ts';
import type { ThreadSetup } from '#dataplane/setup.ts';
import { nowUs } from '#host/clock/clock.ts';
import { allocateBeat, lastBeat } from '#host/thread/beat.ts';
import { allocateSlots, type Slots } from '#telemetry/slots.ts';
import { StartError } from './start-error.ts';

type Ready = Extract<Notice, { type: 'ready' }>;
type Collected = Extract<Notice, { type: 'collected' }>;

const STOP_MS = 2000;
const COLLECT_MS = 500;
/** Timers of the thread beat every 50 ms; what is silent for so long hangs. */
const SILENT_MS = 5000;

export interface ThreadEvents {
  /** Devices that came and went. */
  notice(notice: Notice): void;
  /** It ended by itself; one sentence. */
  gone(reason: string): void;
}

/** One data-plane thread, as the main thread has it. */
export class DataThread {
  readonly slots: Slots = allocateSlots();
  readonly index: number;
  /** When it serves. @throws StartError */
  readonly ready: Promise<Ready>;
  readonly #heartbeat = new Float64Array(allocateBeat());
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #exited: Promise<void>;
  #collecting: Promise<Collected | undefined> | undefined;
  #collected: ((notice: Collected | undefined) => void) | undefined;
  #naming: ((devices: readonly string[]) => void)[] = [];
  readonly #assessing = new Map<number, (assessment: Assessment) => void>();
  #asked = 0;
  #settle = Promise.withResolvers<Ready>();
  #isReady = false;
  #stopping = false;
  #failure: string | undefined;

  constructor(setup: Omit<ThreadSetup, 'slots' | 'heartbeat'>, events: ThreadEvents) {
    this.index = setup.index;
    this.#events = events;
    this.ready = this.#settle.promise;
    // Nobody may be waiting any more when it fails.
    this.ready.catch(() => {});
    const workerData: ThreadSetup = {
      ...setup,
      slots: this.slots.buffer,
      heartbeat: this.#heartbeat.buffer as SharedArrayBuffer,
    };
    this.#worker = new Worker(new URL('./dataplane/thread.ts', import.meta.url), {
      workerData,
      name: `data-${setup.index}`,
    });
    this.#worker.on('message', (notice: Notice) => this.#take(notice));
    this.#worker.on('error', (error) => {
      this.#failure = `data-plane thread ${this.index} broke: ${error instanceof Error ? error.stack : String(error)}`;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        resolve();
        this.#onExit(code);
      });
    });
  }

  #take(notice: Notice): void {
    switch (notice.type) {
      case 'ready':
        this.#isReady = true;
        this.#settle.resolve(notice);
        return;
      case 'failed':
        this.#failure = notice.message;
        if (this.#isReady) void this.#worker.terminate();
        return;
      case 'collected':
        this.#collected?.(notice);
        return;
      case 'assessed':
        this.#assessing.get(notice.id)?.(notice);
        return;
      case 'previous-key-devices':
        for (const told of this.#naming.splice(0)) told(notice.devices);
        return;
      case 'stopped':
        return;
      default:
        this.#events.notice(notice);
    }
  }

  #onExit(code: number): void {
    this.#collected?.(undefined);
    if (this.#stopping) return;
    const reason = this.#failure ?? `data-plane thread ${this.index} ended with ${code}`;
    if (this.#isReady) this.#events.gone(reason);
    else this.#settle.reject(new StartError(reason));
  }

  post(command: Command): void {
    this.#worker.postMessage(command);
  }

  /** What its timers change every 50 ms, as long as they run. */
  get beat(): SharedArrayBuffer {
    return this.#heartbeat.buffer as SharedArrayBuffer;
  }

  /** Whether its timers still run. */
  isAlive(): boolean {
    return nowUs() - lastBeat(this.#heartbeat) < SILENT_MS * 1000;
  }

  /** Brings `slots` up to date. @returns undefined when the thread does not answer in time */
  collect(): Promise<Collected | undefined> {
    this.#collecting ??= new Promise<Collected | undefined>((resolve) => {
      const timer = setTimeout(() => this.#collected?.(undefined), COLLECT_MS);
      this.#collected = (notice) => {
        clearTimeout(timer);
        this.#collecting = undefined;
        this.#collected = undefined;
        resolve(notice);
      };
      this.post({ type: 'collect' });
    });
    return this.#collecting;
  }

  /** What a change would do here; nothing when the thread does not answer in time: it does not serve either then. */
  assess(outlook: Outlook): Promise<Assessment> {
    const id = ++this.#asked;
    return new Promise((resolve) => {
      const settle = ({ tunnels, cut }: Assessment): void => {
        clearTimeout(timer);
        this.#assessing.delete(id);
        resolve({ tunnels, cut });
      };
      const timer = setTimeout(() => settle({ tunnels: 0, cut: 0 }), SILENT_MS);
      this.#assessing.set(id, settle);
      this.post({ type: 'assess', id, ...outlook });
    });
  }

  /** Devices that are here by the key of WireGuard before the newest, as TENANT/DEVICE. @throws Error when it does not answer */
  async previousKeyDevices(): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const timer = setTimeout(() => reject(new Error(`data-plane thread ${this.index} does not answer`)), SILENT_MS);
    this.#naming.push(resolve);
    this.post({ type: 'previous-key-devices' });
    return promise.finally(() => clearTimeout(timer));
  }

  /** Closes its connections and ends it, by force when it does not end in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.post({ type: 'stop' });
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
