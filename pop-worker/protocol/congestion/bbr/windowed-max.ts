/** Maximum of a stream over the latest rounds: the best of each is kept, so the answer is exact. */
export class WindowedMax {
  readonly #values: Float64Array;
  readonly #rounds: Float64Array;
  /** The largest value that `update` saw in its window. */
  value = 0;

  /** @param longest window that `update` will ask for, in rounds */
  constructor(longest: number) {
    this.#values = new Float64Array(longest + 1);
    this.#rounds = new Float64Array(longest + 1).fill(Number.NEGATIVE_INFINITY);
  }

  /** @param round never less than before @param length a value counts in its round and so many after it */
  update(value: number, round: number, length: number): void {
    const slot = round % this.#values.length;
    if (this.#rounds[slot] !== round || value > (this.#values[slot] as number)) this.#values[slot] = value;
    this.#rounds[slot] = round;
    let best = value;
    for (let i = 0; i < this.#values.length; i++) {
      const isRecent = round - (this.#rounds[i] as number) <= length;
      if (isRecent && (this.#values[i] as number) > best) best = this.#values[i] as number;
    }
    this.value = best;
  }
}
