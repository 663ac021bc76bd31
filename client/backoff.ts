const FIRST_US = 200_000;
const CAP_US = 15_000_000;

/** How long to wait before the next round of attempts: doubling, capped, half of it left to chance. */
export class Backoff {
  #failures = 0;

  /** Rounds that failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Another round failed. @param random from 0 to 1 @returns microseconds to wait */
  next(random: number): number {
    const whole = Math.min(CAP_US, FIRST_US * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    return Math.round(whole * (0.5 + random / 2));
  }

  reset(): void {
    this.#failures = 0;
  }
}
