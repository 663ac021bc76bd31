import { nowUs } from '#host/clock/clock.ts';
import { TcpAttempt } from '#host/tcp/connect.ts';
import { TcpStream } from '#host/tcp/stream.ts';
import { addressOf } from '#host/udp/address.ts';
import type { BmpFeed } from '#protocol/bmp/feed.ts';
import { TerminationReason, termination } from '#protocol/bmp/wire/termination.ts';
import { timeNow } from '../bgp/monitored.ts';
import type { BmpStationConfig, BmpStationStatus, StationState } from './setup.ts';

/** Bytes that are handed to a socket at once. */
const OUTPUT_BYTES = 256 * 1024;
/** So often something is sent before others have their turn. */
const MOST_POLLS = 8;
/** RFC 7854 §3.2: 30 seconds and 720. */
const MOST_BACKOFF = 24;
/** A session that lasted so long was one: the next attempt comes soon again. */
const GOOD_US = 60_000_000;

export type EndCause = 'connection' | 'overflow' | 'stopped';

/** Who has stations. */
export interface StationOwner {
  /** What a station that has connected is to be told, from the beginning on. */
  feedOf(config: BmpStationConfig): BmpFeed;
  /** The state of one is another. */
  moved(): void;
  sent(bytes: number): void;
  /** @param text for a log */
  ended(station: Station, cause: EndCause, text: string): void;
}

/** One monitoring station: its connection, and what it is told over it. */
export class Station {
  readonly config: BmpStationConfig;
  feed: BmpFeed | undefined;
  readonly #owner: StationOwner;
  #state: StationState = 'waiting';
  #attempt: TcpAttempt | undefined;
  #stream: TcpStream | undefined;
  #out = new Uint8Array(OUTPUT_BYTES);
  #isBlocked = false;
  #isAwake = false;
  #isStopped = false;
  #retry: NodeJS.Timeout | undefined;
  #reports: NodeJS.Timeout | undefined;
  #backoff = 1;
  #upSince = 0;
  #sessions = 0;
  #sentBytes = 0;
  #lastError: string | undefined;

  constructor(config: BmpStationConfig, owner: StationOwner) {
    this.config = config;
    this.#owner = owner;
    // Once whoever makes it has it.
    this.#retry = setTimeout(() => this.#connect(), 0);
  }

  get state(): StationState {
    return this.#state;
  }

  /** There is something to tell. */
  wake(): void {
    if (this.#isAwake || this.feed === undefined) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      this.#pump();
    });
  }

  /** Says so, and ends for good. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    if (this.#stream !== undefined && !this.#isBlocked) {
      this.#pump();
      this.#stream.write(termination(TerminationReason.closed));
    }
    this.#end('stopped', 'it is not wanted any more', false);
  }

  status(): BmpStationStatus {
    const { name, address, port } = this.config;
    return {
      ...{ name, address, port, state: this.#state, sessions: this.#sessions, sentBytes: this.#sentBytes },
      waitingBytes: this.feed?.waitingBytes ?? 0,
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
    };
  }

  #connect(): void {
    const { address, port, localAddress, tcp } = this.config;
    this.#become('connecting');
    const local = addressOf(localAddress ?? (address.includes(':') ? '::' : '0.0.0.0'));
    try {
      this.#attempt = new TcpAttempt(local, '', addressOf(address, port), tcp, (result) => {
        this.#attempt = undefined;
        if (typeof result === 'number') this.#up(result);
        else this.#end('connection', `it cannot be reached: ${result.message}`, false);
      });
    } catch (error) {
      this.#end('connection', `it cannot be connected to: ${(error as Error).message}`, false);
    }
  }

  #up(descriptor: number): void {
    this.#stream = new TcpStream(descriptor, {
      // RFC 7854 §3.2: a station has nothing to say.
      received: () => {},
      drained: () => {
        this.#isBlocked = false;
        this.wake();
      },
      ended: (reason) => this.#end('connection', reason.replace('neighbour', 'station'), false),
    });
    this.#isBlocked = false;
    this.#sessions++;
    this.#upSince = nowUs();
    this.feed = this.#owner.feedOf(this.config);
    this.#become('up');
    const { statisticsS } = this.config;
    if (statisticsS > 0) {
      this.#reports = setInterval(() => {
        // Reports are not heaped up for one that takes nothing.
        if (this.#isBlocked) return;
        this.feed?.statistics(timeNow());
        this.wake();
      }, 1000 * statisticsS);
    }
    this.wake();
  }

  #pump(): void {
    const { feed } = this;
    if (feed === undefined) return;
    if (feed.isOverflowing && this.#isBlocked) {
      this.#end('overflow', `it takes less than there is to tell: more than ${this.config.mostBytes} bytes wait`, true);
      return;
    }
    for (let i = 0; i < MOST_POLLS && !this.#isBlocked; i++) {
      const bytes = feed.poll(this.#out);
      if (bytes === 0) return;
      this.#sentBytes += bytes;
      this.#owner.sent(bytes);
      if (this.#stream?.write(this.#out.subarray(0, bytes)) === true) continue;
      // The socket holds on to it.
      this.#out = new Uint8Array(OUTPUT_BYTES);
      this.#isBlocked = true;
    }
    if (!this.#isBlocked) this.wake();
  }

  #end(cause: EndCause, text: string, isReset: boolean): void {
    clearInterval(this.#reports);
    this.#attempt?.close();
    this.#attempt = undefined;
    if (isReset) this.#stream?.reset();
    else this.#stream?.close();
    const wasUp = this.#stream !== undefined;
    this.#stream = undefined;
    this.feed = undefined;
    this.#lastError = text;
    this.#become('waiting');
    this.#owner.ended(this, cause, text);
    if (this.#isStopped) return;
    if (wasUp && nowUs() - this.#upSince > GOOD_US) this.#backoff = 1;
    this.#retry = setTimeout(() => this.#connect(), 1000 * this.config.retryS * this.#backoff);
    this.#backoff = Math.min(MOST_BACKOFF, 2 * this.#backoff);
  }

  #become(state: StationState): void {
    this.#state = state;
    this.#owner.moved();
  }
}
