const FIRST_CAPACITY = 1024;

/** A growing row of numbers. */
export class Series {
  #values = new Float64Array(FIRST_CAPACITY);
  #length = 0;
  #sorted: Float64Array | undefined;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
    this.#sorted = undefined;
  }

  get length(): number {
    return this.#length;
  }

  get mean(): number {
    return this.meanFrom(0);
  }

  /** Mean of what came from this index on; 0 for nothing. */
  meanFrom(index: number): number {
    let sum = 0;
    for (let i = index; i < this.#length; i++) sum += this.#values[i] as number;
    return this.#length <= index ? 0 : sum / (this.#length - index);
  }

  /** The largest from this index on; 0 for nothing. */
  maxFrom(index: number): number {
    let most = 0;
    for (let i = index; i < this.#length; i++) most = Math.max(most, this.#values[i] as number);
    return most;
  }

  /** @param share such as 0.99 @returns the smallest value that this share of all is not above */
  quantile(share: number): number {
    this.#sorted ??= this.#values.slice(0, this.#length).sort();
    const at = Math.max(Math.ceil(share * this.#length) - 1, 0);
    return this.#sorted[at] ?? 0;
  }
}

/** Jain's index of fairness: 1 when all are equal, 1/n when one has all. */
export const jain = (shares: readonly number[]): number => {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 1 : sum ** 2 / (shares.length * squares);
};
