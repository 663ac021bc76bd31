import type { TimeUs } from '../contract.ts';
import {
  type CongestionController,
  type ControllerOptions,
  initialWindow,
  MAX_SEND_QUANTUM,
  minimumWindow,
} from './controller.ts';
import type { LostPacket, RateSample } from './rate-sampler.ts';

/** RFC 9002 §B.1: kLossReductionFactor. */
const LOSS_REDUCTION_FACTOR = 0.5;
/** How much faster than a window a round trip packets leave: room to double, and RFC 9002 §7.7's N. */
const SLOW_START_PACING_GAIN = 2;
const PACING_GAIN = 1.25;

/** NewReno for QUIC (RFC 9002 §7, appendix B). */
export class NewReno implements CongestionController {
  readonly name = 'newreno';
  readonly holdsBack = false;
  congestionWindow: number;
  pacingRate = Number.POSITIVE_INFINITY;
  sendQuantum: number;
  recoveryStartTime: TimeUs = Number.NEGATIVE_INFINITY;
  slowStartThreshold = Number.POSITIVE_INFINITY;
  #maxDatagramBytes: number;
  #smoothedRttUs = 0;
  /** Bytes acknowledged in congestion avoidance that have not yet grown the window (RFC 3465 §2.1). */
  #ackedBytes = 0;
  #inRecovery = false;
  #sentAnything = false;
  /** What a spurious loss gives back. */
  #undoWindow = 0;
  #undoThreshold = Number.POSITIVE_INFINITY;

  constructor(options: ControllerOptions) {
    this.#maxDatagramBytes = options.maxDatagramBytes;
    this.congestionWindow = initialWindow(options.maxDatagramBytes);
    this.sendQuantum = this.congestionWindow;
  }

  get state(): string {
    if (this.#inRecovery) return 'recovery';
    return this.congestionWindow < this.slowStartThreshold ? 'slow-start' : 'congestion-avoidance';
  }

  onPacketSent(_now: TimeUs, _bytes: number, _bytesInFlight: number): void {
    this.#sentAnything = true;
  }

  onAck(_now: TimeUs, sample: RateSample, _bytesInFlight: number): void {
    this.#smoothedRttUs = sample.smoothedRttUs;
    // RFC 9002 §7.3.2: a packet sent during recovery is acknowledged.
    if (this.#inRecovery && sample.largestSentTime > this.recoveryStartTime) this.#inRecovery = false;
    if (sample.ackedOutsideRecovery > 0 && !this.#isUnderutilized(sample)) this.#grow(sample.ackedOutsideRecovery);
    this.#setPacing();
  }

  onPacketLost(_now: TimeUs, _packet: LostPacket): void {}

  onCongestionEvent(now: TimeUs, _lostBytes: number, largestSentTime: TimeUs): void {
    if (largestSentTime <= this.recoveryStartTime) return;
    this.#undoWindow = this.congestionWindow;
    this.#undoThreshold = this.slowStartThreshold;
    this.recoveryStartTime = now;
    this.#inRecovery = true;
    this.#ackedBytes = 0;
    this.slowStartThreshold = this.congestionWindow * LOSS_REDUCTION_FACTOR;
    this.congestionWindow = Math.max(this.slowStartThreshold, minimumWindow(this.#maxDatagramBytes));
    this.#setPacing();
  }

  onPersistentCongestion(_now: TimeUs): void {
    this.congestionWindow = minimumWindow(this.#maxDatagramBytes);
    this.recoveryStartTime = Number.NEGATIVE_INFINITY;
    this.#inRecovery = false;
    this.#ackedBytes = 0;
    this.#setPacing();
  }

  onSpuriousLoss(_now: TimeUs): void {
    if (this.#undoWindow <= this.congestionWindow) return;
    this.congestionWindow = this.#undoWindow;
    this.slowStartThreshold = this.#undoThreshold;
    this.#inRecovery = false;
    this.#setPacing();
  }

  onApplicationLimited(_now: TimeUs, _bytesInFlight: number): void {}

  // RFC 9002 §7.7 instead of RFC 5681 §4.1: what leaves after idleness is paced, so the window need not collapse.
  onIdleRestart(_now: TimeUs, _isAppLimited: boolean): void {}

  onMtuChange(maxDatagramBytes: number): void {
    // RFC 9002 §7.2: the initial window is recalculated; later a window of bytes stays what it is.
    const untouched = this.congestionWindow === initialWindow(this.#maxDatagramBytes);
    this.#maxDatagramBytes = maxDatagramBytes;
    if (untouched && !this.#sentAnything) this.congestionWindow = initialWindow(maxDatagramBytes);
    this.congestionWindow = Math.max(this.congestionWindow, minimumWindow(maxDatagramBytes));
    this.#setPacing();
  }

  /** RFC 9002 §7.8: the application, not the window, limited what was in flight. */
  #isUnderutilized(sample: RateSample): boolean {
    if (!sample.isAppLimited) return false;
    const inFlight = Math.max(sample.txInFlight, sample.priorInFlight);
    if (this.congestionWindow < this.slowStartThreshold) return inFlight * 2 < this.congestionWindow;
    return inFlight + 3 * this.#maxDatagramBytes < this.congestionWindow;
  }

  #grow(ackedBytes: number): void {
    if (this.congestionWindow < this.slowStartThreshold) {
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
      this.congestionWindow += this.#maxDatagramBytes;
    }
  }

  #setPacing(): void {
    if (this.#smoothedRttUs <= 0) return;
    const gain = this.congestionWindow < this.slowStartThreshold ? SLOW_START_PACING_GAIN : PACING_GAIN;
    this.pacingRate = (gain * this.congestionWindow * 1e6) / this.#smoothedRttUs;
    const millisecond = this.pacingRate / 1000;
    this.sendQuantum = Math.min(MAX_SEND_QUANTUM, Math.max(2 * this.#maxDatagramBytes, millisecond));
  }
}
