/** Numbers from 1 up; one that was given back waits until all others were used. */
export class Numbers {
  readonly #most: number;
  readonly #used: Set<number>;
  #last = 0;

  /** @param most one more than the highest @param used by those who were there before */
  constructor(most: number, used: Iterable<number>) {
    this.#most = most;
    this.#used = new Set(used);
    for (const number of this.#used) this.#last = Math.max(this.#last, number);
  }

  get used(): ReadonlySet<number> {
    return this.#used;
  }

  /** @throws RangeError: none is left */
  take(): number {
    for (let tries = 1; tries < this.#most; tries++) {
      this.#last = (this.#last % (this.#most - 1)) + 1;
      if (this.#used.has(this.#last)) continue;
      this.#used.add(this.#last);
      return this.#last;
    }
    throw new RangeError(`${this.#most - 1} are the most that there can be`);
  }

  give(number: number): void {
    this.#used.delete(number);
  }
}
