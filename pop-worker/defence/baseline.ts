const HOUR_US = 3_600_000_000;

export interface BaselineOptions {
  /** It begins there, and is never below. */
  readonly least: number;
  /** …nor above. */
  readonly most: number;
  /** In how long it comes as near as 1/e to a rate that stays. */
  readonly settlesUs: number;
  /** What it may be multiplied by in an hour… */
  readonly growthAnHour: number;
  /** …once it has learned so long. */
  readonly learnsUs: number;
}

/**
 * What a target usually has: an average that forgets. However much comes, it grows only so much an hour: an attacker who wants
 * to be taken for usual has to pay for hours, and then finds the limit that does not depend on it.
 */
export class Baseline {
  readonly #options: BaselineOptions;
  #rate: number;
  #learnedUs = 0;

  constructor(options: BaselineOptions) {
    this.#options = options;
    this.#rate = options.least;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Whether it says anything yet. */
  get isKnown(): boolean {
    return this.#learnedUs >= this.#options.learnsUs;
  }

  /** @param rate of the last `elapsedUs` */
  learn(rate: number, elapsedUs: number): void {
    const { least, most, settlesUs, growthAnHour } = this.#options;
    const learned = this.#rate + (rate - this.#rate) * (1 - Math.exp(-elapsedUs / settlesUs));
    const bought = this.isKnown ? this.#rate * growthAnHour ** (elapsedUs / HOUR_US) : most;
    this.#learnedUs += elapsedUs;
    this.#rate = Math.max(least, Math.min(most, learned, bought));
  }
}
