import type { TimeUs } from '../contract.ts';

/** So much a second, and a burst of it. */
export class Budget {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: TimeUs = 0;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /** @returns whether there was enough; if not, nothing is taken */
  take(count: number, now: TimeUs): boolean {
    const passed = Math.max(0, now - this.#at);
    this.#at = Math.max(this.#at, now);
    this.#left = Math.min(this.#burst, this.#left + (passed * this.#perSecond) / 1e6);
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }
}
