import type { TimeUs } from '../../contract.ts';
import type { WindowBudget } from './window-budget.ts';

/** RFC 9000 §4.2: credit is renewed when this share of the window was consumed. */
const RENEW_SHARE = 4;

/**
 * Credit that we give (RFC 9000 §4.1, §4.2), for a stream or the connection.
 *
 * The window doubles when half of it was consumed within one round trip, that is all of it within two: then the window,
 * not the path or the reader, is what limits the peer. A connection's window grows by what the process has left for it; a
 * stream's is bounded by its connection's.
 */
export class ReceiveWindow {
  /** What the peer may send up to, as last advertised. */
  limit = 0;
  /** Bytes that the reader is done with. */
  consumed = 0;
  /** How far the limit runs ahead of `consumed`. */
  window = 0;
  #maxWindow = 0;
  #initial = 0;
  readonly #budget: WindowBudget | undefined;
  #epochStart: TimeUs = 0;
  #epochConsumed = 0;

  /** @param budget what a connection's window grows by */
  constructor(budget?: WindowBudget) {
    this.#budget = budget;
  }

  /** For a new stream, or the connection. */
  reuse(window: number, maxWindow: number, now: TimeUs): void {
    this.limit = window;
    this.window = window;
    this.#initial = window;
    this.consumed = 0;
    this.#maxWindow = Math.max(window, maxWindow);
    this.#epochStart = now;
    this.#epochConsumed = 0;
  }

  /** @returns whether a new limit should be advertised */
  consume(bytes: number, now: TimeUs, rttUs: number): boolean {
    this.consumed += bytes;
    if (2 * (this.consumed - this.#epochConsumed) >= this.window) {
      if (now - this.#epochStart <= rttUs) this.#growTo(Math.min(2 * this.window, this.#maxWindow));
      this.#epochStart = now;
      this.#epochConsumed = this.consumed;
    }
    return this.isDue;
  }

  /** Enough was consumed since the last limit to tell the peer. */
  get isDue(): boolean {
    return RENEW_SHARE * (this.consumed + this.window - this.limit) >= this.window && this.window > 0;
  }

  /** At least this much, within the maximum: a connection must not throttle its own streams. @returns whether it grew */
  raiseTo(window: number): boolean {
    const raised = Math.min(window, this.#maxWindow);
    return raised > this.window && this.#growTo(raised);
  }

  #growTo(window: number): boolean {
    if (window === this.window || this.#budget?.take(window - this.window) === false) return false;
    this.window = window;
    return true;
  }

  /** The connection is over. */
  giveBack(): void {
    this.#budget?.giveBack(this.window - this.#initial);
    this.window = this.#initial;
  }

  /** The limit to advertise now; it counts as advertised. Never lower than before. */
  renew(): number {
    this.limit = Math.max(this.limit, this.consumed + this.window);
    return this.limit;
  }
}

/** Credit that the peer gives us for the connection (RFC 9000 §4.1). */
export class SendCredit {
  limit = 0;
  /** Sum of the highest offsets sent on all streams. */
  used = 0;
  /** The limit that DATA_BLOCKED has named, -1 for none. */
  blockedAt = -1;

  get available(): number {
    return this.limit - this.used;
  }

  /** @returns whether it grew; smaller values have no effect */
  raise(limit: number): boolean {
    if (limit <= this.limit) return false;
    this.limit = Math.min(limit, Number.MAX_SAFE_INTEGER);
    return true;
  }
}

/** Credit that we give for the connection as a whole (RFC 9000 §4.1). */
export class ReceiveCredit {
  readonly window: ReceiveWindow;
  /** Sum of the highest offsets received on all streams, closed ones included (§19.9). */
  received = 0;
  /** MAX_DATA is to be sent. */
  updateDue = false;

  constructor(budget?: WindowBudget) {
    this.window = new ReceiveWindow(budget);
  }

  /** Bytes beyond what had arrived on some stream. @returns `false`: more than was allowed */
  admit(bytes: number): boolean {
    this.received += bytes;
    return this.received <= this.window.limit;
  }

  consume(bytes: number, now: TimeUs, rttUs: number): void {
    if (this.window.consume(bytes, now, rttUs)) this.updateDue = true;
  }
}

/** What window tuning goes by. */
export interface Clock {
  now: TimeUs;
  rttUs: number;
}
