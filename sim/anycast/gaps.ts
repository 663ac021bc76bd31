/** How long something did not work, time after time. Microseconds. */
export class Gaps {
  readonly lengths: number[] = [];
  readonly #since: Float64Array;

  constructor(count: number) {
    this.#since = new Float64Array(count).fill(-1);
  }

  /** @param of which one */
  works(of: number, now: number): void {
    const since = this.#since[of] as number;
    if (since >= 0) this.lengths.push(now - since);
    this.#since[of] = -1;
  }

  /** @returns for how long it has not */
  fails(of: number, now: number): number {
    if ((this.#since[of] as number) < 0) this.#since[of] = now;
    return now - (this.#since[of] as number);
  }

  /** Whether it works cannot be asked: what was before does not count. */
  forget(of: number): void {
    this.#since[of] = -1;
  }

  /** @param now what does not work yet counts until now */
  longestMs(now: number): number {
    let longest = 0;
    for (const length of this.lengths) longest = Math.max(longest, length);
    for (const since of this.#since) if (since >= 0) longest = Math.max(longest, now - since);
    return longest / 1000;
  }

  percentileMs(share: number): number {
    const sorted = [...this.lengths].sort((a, b) => a - b);
    return (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 1000;
  }
}
