/** BBR.max_bw: the best delivery rate of this ProbeBW cycle and the one before (draft-ietf-ccwg-bbr-06 §5.5.3 to §5.5.6). */
export class MaxBandwidth {
  /** Bytes a second. */
  value = 0;
  #previous = 0;
  #current = 0;

  /** UpdateMaxBw(). @param rate bytes a second, 0 for no sample */
  update(rate: number, isAppLimited: boolean): void {
    if (rate <= 0 || (isAppLimited && rate < this.value)) return;
    if (rate > this.#current) this.#current = rate;
    this.value = Math.max(this.#previous, this.#current);
  }

  /** AdvanceMaxBwFilter(): a cycle is over. One that measured nothing is no reason to forget the one before. */
  advance(): void {
    if (this.#current === 0) return;
    this.#previous = this.#current;
    this.#current = 0;
    this.value = this.#previous;
  }
}
