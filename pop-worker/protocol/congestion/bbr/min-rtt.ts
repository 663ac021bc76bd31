import type { TimeUs } from '../../contract.ts';
import { MIN_RTT_US, PROBE_RTT_INTERVAL_US } from './constants.ts';

/** BBR.min_rtt, and when it is time to measure it anew (draft-ietf-ccwg-bbr-06 §5.3.4.3, §5.5.7). */
export class MinRtt {
  /** BBR.min_rtt in microseconds; `Infinity` before the first sample. */
  valueUs = Number.POSITIVE_INFINITY;
  /** BBR.probe_rtt_expired: nothing lower came for an interval, as this ACK finds. */
  expired = false;
  #stamp: TimeUs = 0;
  #probeDelayUs = Number.POSITIVE_INFINITY;
  #probeStamp: TimeUs = 0;

  /** Before the first packet. */
  begin(now: TimeUs): void {
    this.#stamp = now;
    this.#probeStamp = now;
  }

  /** UpdateMinRTT(). @param rttUs of the newest packet that this ACK acknowledges; negative for none */
  update(now: TimeUs, rttUs: number): void {
    this.expired = now > this.#probeStamp + PROBE_RTT_INTERVAL_US;
    if (rttUs >= 0 && (rttUs < this.#probeDelayUs || this.expired)) {
      this.#probeDelayUs = rttUs;
      this.#probeStamp = now;
    }
    if (this.#probeDelayUs < this.valueUs || now > this.#stamp + MIN_RTT_US) {
      this.valueUs = this.#probeDelayUs;
      this.#stamp = this.#probeStamp;
    }
  }

  /** ProbeRTT is over: the next one is due an interval from now. */
  scheduleNext(now: TimeUs): void {
    this.#probeStamp = now;
  }
}
