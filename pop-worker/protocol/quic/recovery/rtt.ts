import type { TimeUs } from '../../contract.ts';

/** RFC 9002 §6.2.2. */
export const INITIAL_RTT_US = 333_000;
/** RFC 9002 §6.1.2: kGranularity. */
export const GRANULARITY_US = 1_000;

/** The round-trip time of one path (RFC 9002 §5). All in microseconds. */
export class RttEstimator {
  latestUs = 0;
  smoothedUs: number;
  varianceUs: number;
  /** 0 before the first sample. */
  minUs = 0;
  /** When the first sample was taken, `Infinity` before. */
  firstSampleTime: TimeUs = Number.POSITIVE_INFINITY;

  /** @param initialUs of an earlier connection over the same network, or kInitialRtt */
  constructor(initialUs: number = INITIAL_RTT_US) {
    this.smoothedUs = initialUs;
    this.varianceUs = initialUs / 2;
  }

  get hasSample(): boolean {
    return this.firstSampleTime !== Number.POSITIVE_INFINITY;
  }

  /**
   * Takes a sample. What is not above 0 is none: an ACK that lay in the socket when its packet left was a guess.
   *
   * @param ackDelayUs as the peer reported it
   * @param maxAckDelayUs the peer's limit once the handshake is confirmed, else `Infinity` (RFC 9002 §5.3)
   */
  update(latestUs: number, ackDelayUs: number, maxAckDelayUs: number, now: TimeUs): void {
    if (latestUs <= 0) return;
    this.latestUs = latestUs;
    if (!this.hasSample) {
      this.minUs = latestUs;
      this.smoothedUs = latestUs;
      this.varianceUs = latestUs / 2;
      this.firstSampleTime = now;
      return;
    }
    // §5.2: min_rtt is what we observe ourselves, without the peer's delays.
    this.minUs = Math.min(this.minUs, latestUs);
    const delay = Math.min(ackDelayUs, maxAckDelayUs);
    // §5.3: a delay that would bring the sample below min_rtt is not believed.
    const adjusted = latestUs >= this.minUs + delay ? latestUs - delay : latestUs;
    this.varianceUs = 0.75 * this.varianceUs + 0.25 * Math.abs(this.smoothedUs - adjusted);
    this.smoothedUs = 0.875 * this.smoothedUs + 0.125 * adjusted;
  }

  /** RFC 9002 §5.2: after persistent congestion the newest sample is the minimum. */
  onPersistentCongestion(): void {
    this.minUs = this.latestUs;
  }

  /** RFC 9002 §6.2.1, without max_ack_delay and backoff. */
  get ptoBaseUs(): number {
    return this.smoothedUs + Math.max(4 * this.varianceUs, GRANULARITY_US);
  }
}
