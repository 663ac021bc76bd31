import type { TimeUs } from '../contract.ts';
import { minimumWindow } from './controller.ts';
import { LossBased } from './loss-based.ts';
import type { RateSample } from './rate-sampler.ts';

/** RFC 9002 §B.1: kLossReductionFactor. */
const LOSS_REDUCTION_FACTOR = 0.5;

/** NewReno for QUIC (RFC 9002 §7, appendix B). */
export class NewReno extends LossBased {
  override readonly name = 'newreno';
  /** Bytes acknowledged in congestion avoidance that have not yet grown the window (RFC 3465 §2.1). */
  #ackedBytes = 0;

  protected override grow(_now: TimeUs, { ackedOutsideRecovery: ackedBytes }: RateSample): void {
    if (this.inSlowStart) {
      const room = this.slowStartThreshold - this.congestionWindow;
      const slowStart = Math.min(ackedBytes, room);
      this.congestionWindow += slowStart;
      this.#ackedBytes += ackedBytes - slowStart;
    } else {
      this.#ackedBytes += ackedBytes;
    }
    // RFC 9002 §7.3.3: one datagram for each window that is acknowledged.
    while (this.#ackedBytes >= this.congestionWindow) {
      this.#ackedBytes -= this.congestionWindow;
      this.congestionWindow += this.maxDatagramBytes;
    }
  }

  protected override reduce(): void {
    this.#ackedBytes = 0;
    this.slowStartThreshold = this.congestionWindow * LOSS_REDUCTION_FACTOR;
    this.congestionWindow = Math.max(this.slowStartThreshold, minimumWindow(this.maxDatagramBytes));
  }

  protected override undo(): void {}

  protected override restart(): void {
    this.#ackedBytes = 0;
  }
}
