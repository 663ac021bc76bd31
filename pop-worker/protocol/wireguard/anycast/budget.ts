import type { TimeUs } from '../../contract.ts';

/**
 * So many handshakes a second does a core, which is that of a data-plane thread, begin with sources that nothing vouches for; as
 * many besides with those that the worker vouches for that has their sessions.
 */
export const UNANSWERED_A_SECOND = 200;
/** So many questions a second does it put to other workers. */
export const QUESTIONS_A_SECOND = 1000;

/** So many a second, and a burst as large. */
export class TokenBucket {
  readonly #perSecond: number;
  #left: number;
  #at: TimeUs = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  take(now: TimeUs): boolean {
    const passed = Math.max(0, now - this.#at);
    this.#at = Math.max(this.#at, now);
    this.#left = Math.min(this.#perSecond, this.#left + (passed * this.#perSecond) / 1e6);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
