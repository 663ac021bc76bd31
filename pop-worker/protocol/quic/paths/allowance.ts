import type { TimeUs } from '../../contract.ts';

/** RFC 9002 §7.2: the initial window, in datagrams. */
export const INITIAL_WINDOW = 10;

/** Datagrams to an address whose congestion state is not kept: an initial window in each probe timeout. */
export class Allowance {
  #left = INITIAL_WINDOW;
  #renewsAt: TimeUs = 0;

  /** @param ptoUs of a path of which nothing is known @returns whether one more may go, which is then counted */
  take(now: TimeUs, ptoUs: number): boolean {
    if (now >= this.#renewsAt) {
      this.#left = INITIAL_WINDOW;
      this.#renewsAt = now + ptoUs;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
