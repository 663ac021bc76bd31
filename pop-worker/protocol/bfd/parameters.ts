/** Until a session is Up, it sends this slowly (RFC 5880 §6.8.3). */
export const SLOW_US = 1_000_000;
const MOST_US = 0xffff_ffff;

/** What was configured; intervals in microseconds. */
export interface Timing {
  /** Sent no faster than this once Up. */
  readonly desiredMinTxUs: number;
  /** Received no faster than this. */
  readonly requiredMinRxUs: number;
  /** Packets that the peer may miss in a row. */
  readonly detectMult: number;
}

/**
 * The local intervals, as they are told to the peer and as they are in use (RFC 5880 §6.8.3): while Up, one that would make
 * either side expect more than the other sends is used only when the peer has confirmed by Final that it knows.
 */
export class Parameters {
  detectMult: number;
  /** bfd.DesiredMinTxInterval, as told. */
  desiredMinTxUs = 0;
  /** bfd.RequiredMinRxInterval, as told. */
  requiredMinRxUs = 0;
  /** As the transmit interval is computed with. */
  desiredInUseUs = 0;
  /** As the Detection Time is computed with. */
  requiredInUseUs = 0;
  #timing: Timing;
  #isUp = false;
  #stretch = 1;

  constructor(timing: Timing) {
    this.#timing = timing;
    this.detectMult = timing.detectMult;
    this.#recompute();
  }

  /** @returns whether an interval changed, so that a Poll Sequence is due */
  setTiming(timing: Timing): boolean {
    this.#timing = timing;
    this.detectMult = timing.detectMult;
    return this.#recompute();
  }

  /** @returns whether an interval changed */
  setUp(isUp: boolean): boolean {
    this.#isUp = isUp;
    return this.#recompute();
  }

  /** Both intervals become this many times what was configured (RFC 5880 §7). @returns whether an interval changed */
  setStretch(stretch: number): boolean {
    this.#stretch = stretch;
    return this.#recompute();
  }

  /** The peer knows the intervals as they are told. */
  settle(): void {
    this.desiredInUseUs = this.desiredMinTxUs;
    this.requiredInUseUs = this.requiredMinRxUs;
  }

  #recompute(): boolean {
    const { desiredMinTxUs, requiredMinRxUs } = this.#timing;
    const desired = Math.min(Math.max(desiredMinTxUs * this.#stretch, this.#isUp ? 0 : SLOW_US), MOST_US);
    const required = Math.min(requiredMinRxUs * this.#stretch, MOST_US);
    const changed = desired !== this.desiredMinTxUs || required !== this.requiredMinRxUs;
    this.desiredMinTxUs = desired;
    this.requiredMinRxUs = required;
    if (!this.#isUp || desired < this.desiredInUseUs) this.desiredInUseUs = desired;
    if (!this.#isUp || required > this.requiredInUseUs) this.requiredInUseUs = required;
    return changed;
  }
}
