import type { TimeUs } from '../../contract.ts';

/** RFC 9002 §7.6.1: kPersistentCongestionThreshold. */
const THRESHOLD = 3;

/**
 * Watches lost packets go by in the order of their numbers: when two of them lie far enough apart in time and nothing in
 * between was acknowledged, congestion is persistent (RFC 9002 §7.6). A run of losses may be found in several pieces.
 */
export class PersistentCongestion {
  /** When the first packet of the run of losses was sent, `Infinity`: there is no run. */
  #start: TimeUs = Number.POSITIVE_INFINITY;

  /** A packet between was acknowledged. */
  interrupt(): void {
    this.#start = Number.POSITIVE_INFINITY;
  }

  /**
   * An ack-eliciting packet is lost.
   *
   * @param ptoUs smoothed_rtt + max(4*rttvar, kGranularity) + max_ack_delay
   * @param firstSampleTime only packets sent after the first RTT sample count (§7.6.2)
   * @param ackedElsewhere when the newest packet acknowledged in another space was sent
   * @returns persistent congestion is established
   */
  onLost(sentTime: TimeUs, ptoUs: number, firstSampleTime: TimeUs, ackedElsewhere: TimeUs): boolean {
    if (sentTime <= firstSampleTime) return false;
    if (this.#start > sentTime || ackedElsewhere > this.#start) {
      this.#start = sentTime;
      return false;
    }
    if (sentTime - this.#start <= ptoUs * THRESHOLD) return false;
    this.#start = sentTime;
    return true;
  }
}
