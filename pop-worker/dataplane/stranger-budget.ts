/** What strangers get of the time that others use; of the time that nobody uses they may have all. */
const SHARE = 0.25;
/** What may be saved up, in microseconds: so long others wait at most, and one stranger more. */
const MOST_US = 1000;

/** How long a thread may go on with what strangers want of it. They begin handshakes, and those that have one go first. */
export class StrangerBudget {
  #leftUs = MOST_US;
  #now: number;
  #idleUs: number;

  /** @param now in microseconds @param idleUs how long the thread has had nothing to do since its start */
  constructor(now: number, idleUs: number) {
    this.#now = now;
    this.#idleUs = idleUs;
  }

  refill(now: number, idleUs: number): void {
    const idle = Math.max(0, idleUs - this.#idleUs);
    const busy = Math.max(0, now - this.#now - idle);
    this.#leftUs = Math.min(MOST_US, this.#leftUs + idle + SHARE * busy);
    this.#now = now;
    this.#idleUs = idleUs;
  }

  /** @param now of the end of what a stranger wanted, which began when the budget was last refilled or spent */
  spend(now: number): void {
    this.#leftUs -= Math.max(0, now - this.#now);
    this.#now = now;
  }

  get isLeft(): boolean {
    return this.#leftUs > 0;
  }

  /** How long until there is some, in microseconds, if the thread is idle until then. */
  get untilLeftUs(): number {
    return Math.max(0, 1 - this.#leftUs);
  }
}
