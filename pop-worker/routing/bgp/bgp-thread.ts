import { Worker } from 'node:worker_threads';
import { nowUs } from '#host/clock/clock.ts';
import { allocateBeat, lastBeat } from '#host/thread/beat.ts';
import { allocateSlots, type Slots } from '#telemetry/slots.ts';
import type { MrtFile } from '../mrt/setup.ts';
import type { BesideStatus } from './beside.ts';
import type { PrefixExplained } from './explained.ts';
import type { BgpCommand, BgpNotice } from './messages.ts';
import type { RoutePage, RouteQuery } from './route-list.ts';
import type { BgpNeighbourConfig, BgpThreadSetup } from './setup.ts';
import type { NeighbourStatus } from './status.ts';

const STOP_MS = 3000;
const SILENT_US = 5_000_000;

export interface BgpThreadOptions extends Omit<BgpThreadSetup, 'beat' | 'slots'> {
  /** Where others than the main thread watch it, too. */
  readonly beat?: SharedArrayBuffer;
}

/** A notice that is no answer, and not about the thread itself. */
export type ToldNotice = Exclude<
  BgpNotice,
  { type: 'beside_told' | 'dumped' | 'explained' | 'listed' | 'ready' | 'status' | 'stopped' }
>;

/** What the main thread is told of neighbours, by the ids that it gave them. */
export interface BgpEvents {
  /** The thread ended by itself; one sentence. */
  gone(reason: string): void;
  notice(notice: ToldNotice): void;
}

/** The BGP thread as the main thread has it. */
export class BgpThread {
  readonly slots: Slots = allocateSlots();
  /** Resolves with the ports that are listened at. @throws Error when it cannot start */
  readonly ready: Promise<readonly number[]>;
  readonly #beat: Float64Array;
  readonly #worker: Worker;
  readonly #events: BgpEvents;
  readonly #exited: Promise<void>;
  readonly #settle = Promise.withResolvers<readonly number[]>();
  readonly #asked = new Map<number, (answer: unknown) => void>();
  #next = 1;
  #isStopping = false;
  #failure: string | undefined;

  constructor(options: BgpThreadOptions, events: BgpEvents) {
    this.#events = events;
    this.ready = this.#settle.promise;
    this.ready.catch(() => {});
    const beat = options.beat ?? allocateBeat();
    this.#beat = new Float64Array(beat);
    const workerData: BgpThreadSetup = { ...options, slots: this.slots.buffer, beat };
    const transferList = options.bfd === undefined ? [] : [options.bfd.port];
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData, transferList, name: 'bgp' });
    this.#worker.on('message', (notice: BgpNotice) => this.#take(notice));
    this.#worker.on('error', (error) => {
      this.#failure = `the BGP thread broke: ${error instanceof Error ? error.message : String(error)}`;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        resolve();
        this.#onExit(code);
      });
    });
  }

  /** Whether its timers still run; not before it is ready. */
  isAlive(): boolean {
    return nowUs() - lastBeat(this.#beat) < SILENT_US;
  }

  /** Adds a neighbour and begins. @returns its id */
  add(config: BgpNeighbourConfig): number {
    const id = this.#next++;
    this.post({ type: 'add', id, config });
    return id;
  }

  post(command: BgpCommand): void {
    this.#worker.postMessage(command);
  }

  status(): Promise<readonly NeighbourStatus[]> {
    return this.#ask((request) => ({ type: 'status', request }));
  }

  /** What policies make of a prefix. @param prefix text of one, or of an address */
  explain(prefix: string): Promise<PrefixExplained> {
    return this.#ask((request) => ({ type: 'explain', request, prefix }));
  }

  /** How what it has beside its neighbours is. */
  beside(): Promise<BesideStatus> {
    return this.#ask((request) => ({ type: 'beside', request }));
  }

  /** Writes all routes into an MRT file. @throws Error in a sentence */
  async dump(file: string): Promise<MrtFile> {
    const result = await this.#ask<MrtFile | string>((request) => ({ type: 'dump', request, file }));
    if (typeof result === 'string') throw new Error(result);
    return result;
  }

  #ask<Answer>(command: (request: number) => BgpCommand): Promise<Answer> {
    const request = this.#next++;
    return new Promise<Answer>((resolve) => {
      this.#asked.set(request, resolve as (answer: unknown) => void);
      this.post(command(request));
    });
  }

  /** One page of the routes that there are. */
  list(query: RouteQuery): Promise<RoutePage> {
    const request = this.#next++;
    return new Promise((resolve) => {
      this.#asked.set(request, (answer) => resolve(answer as RoutePage));
      this.post({ type: 'list', request, query });
    });
  }

  #answer(request: number, answer: unknown): void {
    this.#asked.get(request)?.(answer);
    this.#asked.delete(request);
  }

  /** Tells all neighbours, and ends the thread, by force when it does not end in time. @param text for their operators */
  async stop(text = ''): Promise<void> {
    this.#isStopping = true;
    this.post({ type: 'quit', text });
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #take(notice: BgpNotice): void {
    switch (notice.type) {
      case 'ready':
        this.#settle.resolve(notice.ports);
        return;
      case 'stopped':
        return;
      case 'status':
        this.#answer(notice.request, notice.neighbours);
        return;
      case 'explained':
        this.#answer(notice.request, notice.explained);
        return;
      case 'listed':
        this.#answer(notice.request, notice.page);
        return;
      case 'dumped':
        this.#answer(notice.request, notice.result);
        return;
      case 'beside_told':
        this.#answer(notice.request, notice.beside);
        return;
      default:
        this.#events.notice(notice);
    }
  }

  #onExit(code: number): void {
    const reason = this.#failure ?? `the BGP thread ended with ${code}`;
    this.#settle.reject(new Error(reason));
    if (!this.#isStopping) this.#events.gone(reason);
  }
}
