const SMOOTHING = 1 / 8;
const DEVIATION = 1 / 4;
/** A probe counts so much in the share that is lost. */
const LOSS_WEIGHT = 1 / 32;

/** How long a member takes to answer, and how much is lost on the way from it. */
export class Latency {
  /** Smoothed (as RFC 6298 §2), in microseconds; undefined before the first echo. */
  smoothedUs: number | undefined;
  deviationUs = 0;
  /** Share of the other's probes that did not come, 0 to 1, smoothed. */
  loss = 0;
  #last: number | undefined;

  /** @param rttUs of one probe and its echo */
  sample(rttUs: number): void {
    if (this.smoothedUs === undefined) {
      this.smoothedUs = rttUs;
      this.deviationUs = rttUs / 2;
      return;
    }
    this.deviationUs += DEVIATION * (Math.abs(rttUs - this.smoothedUs) - this.deviationUs);
    this.smoothedUs += SMOOTHING * (rttUs - this.smoothedUs);
  }

  /** @param sequence of a probe that came @returns whether it is a new one, not one that came late or twice */
  arrived(sequence: number): boolean {
    const ahead = this.#last === undefined ? 1 : (sequence - this.#last) | 0;
    if (ahead <= 0) return false;
    this.#last = sequence;
    // All that were lost before it count, then itself.
    this.loss = 1 - (1 - this.loss) * (1 - LOSS_WEIGHT) ** (ahead - 1);
    this.loss *= 1 - LOSS_WEIGHT;
    return true;
  }

  /** The other side starts to count anew. */
  restart(): void {
    this.#last = undefined;
  }
}
