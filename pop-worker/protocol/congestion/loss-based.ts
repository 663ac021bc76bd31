import type { TimeUs } from '../contract.ts';
import {
  type CongestionController,
  type ControllerOptions,
  initialWindow,
  MAX_SEND_QUANTUM,
  minimumWindow,
} from './controller.ts';
import type { LostPacket, RateSample } from './rate-sampler.ts';

/** How much faster than a window a round trip packets leave: room to double, and RFC 9002 §7.7's N. */
const SLOW_START_PACING_GAIN = 2;
const PACING_GAIN = 1.25;

/** What controllers that halt at loss have in common (RFC 9002 §7); how the window grows and shrinks is theirs. */
export abstract class LossBased implements CongestionController {
  abstract readonly name: string;
  readonly holdsBack = false;
  // A field without a value begins as undefined, and the engine would then put each fraction into a box of its own.
  congestionWindow = 0;
  pacingRate = Number.POSITIVE_INFINITY;
  sendQuantum = 0;
  recoveryStartTime: TimeUs = Number.NEGATIVE_INFINITY;
  slowStartThreshold = Number.POSITIVE_INFINITY;
  maxDatagramBytes = 0;
  /** Of the latest ACK, in microseconds. */
  smoothedRttUs = 0;
  #inRecovery = false;
  #sentAnything = false;
  #undoWindow = 0;
  #undoThreshold = Number.POSITIVE_INFINITY;

  constructor(options: ControllerOptions) {
    this.maxDatagramBytes = options.maxDatagramBytes;
    this.congestionWindow = initialWindow(options.maxDatagramBytes);
    this.sendQuantum = this.congestionWindow;
  }

  /** Something was acknowledged that left since the latest recovery began, and the window was in use. */
  protected abstract grow(now: TimeUs, sample: RateSample): void;

  /** Congestion: sets the threshold and the window. */
  protected abstract reduce(): void;

  /** `reduce` is undone; window and threshold are what they were. */
  protected abstract undo(): void;

  /** The window fell to the minimum. */
  protected abstract restart(): void;

  /** The application does not use the window, which therefore does not grow (RFC 9002 §7.8). */
  protected onUnderutilized(_now: TimeUs): void {}

  protected get inSlowStart(): boolean {
    return this.congestionWindow < this.slowStartThreshold;
  }

  get state(): string {
    if (this.#inRecovery) return 'recovery';
    return this.inSlowStart ? 'slow-start' : 'congestion-avoidance';
  }

  onPacketSent(_now: TimeUs, _bytes: number, _bytesInFlight: number): void {
    this.#sentAnything = true;
  }

  onAck(now: TimeUs, sample: RateSample, _bytesInFlight: number): void {
    this.smoothedRttUs = sample.smoothedRttUs;
    // RFC 9002 §7.3.2: a packet sent during recovery is acknowledged.
    if (this.#inRecovery && sample.largestSentTime > this.recoveryStartTime) this.#inRecovery = false;
    if (sample.ackedOutsideRecovery > 0) {
      if (this.#isUnderutilized(sample)) this.onUnderutilized(now);
      else this.grow(now, sample);
    }
    this.#setPacing();
  }

  onPacketLost(_now: TimeUs, _packet: LostPacket): void {}

  onCongestionEvent(now: TimeUs, _lostBytes: number, largestSentTime: TimeUs): void {
    if (largestSentTime <= this.recoveryStartTime) return;
    this.#undoWindow = this.congestionWindow;
    this.#undoThreshold = this.slowStartThreshold;
    this.recoveryStartTime = now;
    this.#inRecovery = true;
    this.reduce();
    this.#setPacing();
  }

  onPersistentCongestion(_now: TimeUs): void {
    this.congestionWindow = minimumWindow(this.maxDatagramBytes);
    this.recoveryStartTime = Number.NEGATIVE_INFINITY;
    this.#inRecovery = false;
    this.restart();
    this.#setPacing();
  }

  onSpuriousLoss(_now: TimeUs): void {
    if (this.#undoWindow <= this.congestionWindow) return;
    this.congestionWindow = this.#undoWindow;
    this.slowStartThreshold = this.#undoThreshold;
    this.#inRecovery = false;
    this.undo();
    this.#setPacing();
  }

  onApplicationLimited(_now: TimeUs, _bytesInFlight: number): void {}

  // RFC 9002 §7.7 instead of RFC 5681 §4.1: what leaves after idleness is paced, so the window need not collapse.
  onIdleRestart(_now: TimeUs, _isAppLimited: boolean): void {}

  onMtuChange(maxDatagramBytes: number): void {
    // RFC 9002 §7.2: the initial window is recalculated; later a window of bytes stays what it is.
    const untouched = this.congestionWindow === initialWindow(this.maxDatagramBytes);
    this.maxDatagramBytes = maxDatagramBytes;
    if (untouched && !this.#sentAnything) this.congestionWindow = initialWindow(maxDatagramBytes);
    this.congestionWindow = Math.max(this.congestionWindow, minimumWindow(maxDatagramBytes));
    this.#setPacing();
  }

  /** RFC 9002 §7.8: the application, not the window, limited what was in flight. */
  #isUnderutilized(sample: RateSample): boolean {
    if (!sample.isAppLimited) return false;
    const inFlight = Math.max(sample.txInFlight, sample.priorInFlight);
    if (this.inSlowStart) return inFlight * 2 < this.congestionWindow;
    return inFlight + 3 * this.maxDatagramBytes < this.congestionWindow;
  }

  #setPacing(): void {
    if (this.smoothedRttUs <= 0) return;
    const gain = this.inSlowStart ? SLOW_START_PACING_GAIN : PACING_GAIN;
    this.pacingRate = (gain * this.congestionWindow * 1e6) / this.smoothedRttUs;
    const millisecond = this.pacingRate / 1000;
    this.sendQuantum = Math.min(MAX_SEND_QUANTUM, Math.max(2 * this.maxDatagramBytes, millisecond));
  }
}
