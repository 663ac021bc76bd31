/** Runs of skipped numbers that are remembered. */
const REMEMBERED = 8;
/** Before any was: most connections are over before that. */
const NONE = new Float64Array(0);

/**
 * The packet numbers that were skipped lately. Whoever acknowledges one has not received what it says (RFC 9000 §21.4:
 * optimistic ACK). Older ones are forgotten: an attacker does not know which numbers to leave out.
 */
export class SkippedNumbers {
  #low = NONE;
  #high = NONE;
  #at = 0;
  #count = 0;

  add(low: number, high: number): void {
    if (this.#count === 0) {
      this.#low = new Float64Array(REMEMBERED);
      this.#high = new Float64Array(REMEMBERED);
    }
    this.#low[this.#at] = low;
    this.#high[this.#at] = high;
    this.#at = (this.#at + 1) % REMEMBERED;
    this.#count = Math.min(this.#count + 1, REMEMBERED);
  }

  /** How many of the remembered numbers lie between these two. */
  between(low: number, high: number): number {
    let numbers = 0;
    for (let i = 0; i < this.#count; i++) {
      const from = this.#low[i] as number;
      if (from > low && from < high) numbers += (this.#high[i] as number) - from + 1;
    }
    return numbers;
  }

  /** @param ranges `count` pairs [low, high], inclusive, descending */
  overlaps(ranges: Float64Array, count: number): boolean {
    if (this.#count === 0) return false;
    let range = 0;
    for (let i = 0; i < this.#count; i++) {
      // From the newest run to the oldest, so that both lists descend and each is walked once.
      const run = (this.#at - 1 - i + REMEMBERED) % REMEMBERED;
      const low = this.#low[run] as number;
      const high = this.#high[run] as number;
      while (range < count && (ranges[range * 2] as number) > high) range++;
      if (range === count) return false;
      if ((ranges[range * 2 + 1] as number) >= low) return true;
    }
    return false;
  }
}
