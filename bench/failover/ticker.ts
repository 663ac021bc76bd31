import { nowMs } from './order.ts';

/** Calls back so often; what it misses it makes up for, and says how long it was late at worst. */
export class Ticker {
  longestStallMs = 0;
  readonly #start = nowMs();
  #count = 0;
  #last = this.#start;

  constructor(everyMs: number, tick: (n: number) => void) {
    setInterval(() => {
      const now = nowMs();
      this.longestStallMs = Math.max(this.longestStallMs, now - this.#last - everyMs);
      this.#last = now;
      while (this.#count * everyMs < now - this.#start) tick(this.#count++);
    }, everyMs / 2);
  }
}
