import type { RateSample } from './rate-sampler.ts';

/** RFC 9406 §4.3. */
const MIN_RTT_THRESHOLD_US = 4000;
const MAX_RTT_THRESHOLD_US = 16_000;
const MIN_RTT_DIVISOR = 8;
const SAMPLES_PER_ROUND = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

/**
 * HyStart++ (RFC 9406): leaves the first slow start when the round trip grows, before there is loss. Packets are paced, so
 * the growth of a window by one ACK has no limit (§4.3, L).
 */
export class HyStart {
  #lastRoundMinUs = Number.POSITIVE_INFINITY;
  #roundMinUs = Number.POSITIVE_INFINITY;
  #samples = 0;
  #round = -1;
  /** `Infinity`: plain slow start; else Conservative Slow Start, begun at this round trip. */
  #baselineUs = Number.POSITIVE_INFINITY;
  #conservativeRounds = 0;

  get isConservative(): boolean {
    return this.#baselineUs !== Number.POSITIVE_INFINITY;
  }

  /** @returns by how many bytes the window grows for what this ACK acknowledged, -1: slow start is over */
  onAck({ roundCount, rttUs, ackedOutsideRecovery }: RateSample): number {
    // Not the ACK that begins a round: the window may not have been in use then, and nobody asked.
    if (roundCount !== this.#round && this.#nextRound()) return -1;
    this.#round = roundCount;
    if (rttUs >= 0) {
      this.#roundMinUs = Math.min(this.#roundMinUs, rttUs);
      this.#samples++;
      if (this.#samples >= SAMPLES_PER_ROUND) this.#judge();
    }
    return this.isConservative ? ackedOutsideRecovery / CSS_GROWTH_DIVISOR : ackedOutsideRecovery;
  }

  /** @returns whether Conservative Slow Start has lasted long enough */
  #nextRound(): boolean {
    this.#lastRoundMinUs = this.#roundMinUs;
    this.#roundMinUs = Number.POSITIVE_INFINITY;
    this.#samples = 0;
    return this.isConservative && ++this.#conservativeRounds >= CSS_ROUNDS;
  }

  #judge(): void {
    if (this.isConservative) {
      // The round trip was not longer after all.
      if (this.#roundMinUs < this.#baselineUs) this.#baselineUs = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.#lastRoundMinUs === Number.POSITIVE_INFINITY) return;
    const eighth = this.#lastRoundMinUs / MIN_RTT_DIVISOR;
    const threshold = Math.max(MIN_RTT_THRESHOLD_US, Math.min(eighth, MAX_RTT_THRESHOLD_US));
    if (this.#roundMinUs < this.#lastRoundMinUs + threshold) return;
    this.#baselineUs = this.#roundMinUs;
    this.#conservativeRounds = 0;
  }
}
