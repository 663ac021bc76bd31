import type { TimeUs } from '../../contract.ts';

/** So many handshakes a second does a worker begin in all with sources that nothing vouches for, and a burst as large. */
export const UNANSWERED_A_SECOND = 200;

export class UnansweredBudget {
  #left = UNANSWERED_A_SECOND;
  #at: TimeUs = 0;

  take(now: TimeUs): boolean {
    const passed = Math.max(0, now - this.#at);
    this.#at = Math.max(this.#at, now);
    this.#left = Math.min(UNANSWERED_A_SECOND, this.#left + (passed * UNANSWERED_A_SECOND) / 1e6);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
