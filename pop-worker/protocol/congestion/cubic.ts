import type { TimeUs } from '../contract.ts';
import { minimumWindow } from './controller.ts';
import { HyStart } from './hystart.ts';
import { LossBased } from './loss-based.ts';
import type { RateSample } from './rate-sampler.ts';

/** RFC 9438 §5, C: in datagrams a cubic second. */
const C = 0.4;
/** RFC 9438 §4.6, β_cubic. */
const BETA = 0.7;
/** RFC 9438 §4.3, α_cubic. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
/** RFC 9438 §4.2: no ACK aims at a larger growth in a round trip. */
const MOST_GROWTH = 1.5;

/**
 * A stage of congestion avoidance (RFC 9438 §4.2) and what is remembered across stages, in bytes and microseconds. Written in
 * place: nothing is allocated for an ACK.
 */
interface Curve {
  /** A stage has begun. */
  begun: boolean;
  start: TimeUs;
  /** K, in seconds. */
  k: number;
  /** Where the curve is flat: W_max, or the window at which it began above that. */
  plateau: number;
  /** W_est. */
  reno: number;
  /** W_max and cwnd_prior: 0 before the first congestion. */
  most: number;
  prior: number;
}

// Fractions, so that the engine keeps each as a number in place from the beginning.
const noCurve = (): Curve => ({ begun: false, start: 0.5, k: 0.5, plateau: 0.5, reno: 0.5, most: 0, prior: 0 });

/** CUBIC (RFC 9438) with HyStart++ (RFC 9406) for the first slow start. */
export class Cubic extends LossBased {
  override readonly name = 'cubic';
  #hyStart: HyStart | undefined = new HyStart();
  readonly #curve = noCurve();
  /** What the latest reduction ended. */
  readonly #saved = noCurve();
  /** Since when the window is not used: the clock stands still (§4.2, §5.8). -1: it is used. */
  #pausedAt: TimeUs = -1;

  protected override grow(now: TimeUs, sample: RateSample): void {
    if (this.inSlowStart) this.#slowStart(sample);
    else this.#avoid(now, sample.ackedOutsideRecovery);
  }

  protected override onUnderutilized(now: TimeUs): void {
    if (this.#pausedAt < 0) this.#pausedAt = now;
  }

  /** §4.6, §4.7. */
  protected override reduce(): void {
    const window = this.congestionWindow;
    const curve = this.#curve;
    Object.assign(this.#saved, curve);
    curve.prior = window;
    curve.most = window < curve.most ? (window * (1 + BETA)) / 2 : window;
    curve.begun = false;
    this.slowStartThreshold = Math.max(window * BETA, minimumWindow(this.maxDatagramBytes));
    this.congestionWindow = this.slowStartThreshold;
    this.#hyStart = undefined;
    this.#pausedAt = -1;
  }

  /** §4.9.2. The threshold that it brings back, and the window, are the base's. */
  protected override undo(): void {
    Object.assign(this.#curve, this.#saved);
  }

  /** §4.8. */
  protected override restart(): void {
    this.#curve.most = 0;
    this.#curve.begun = false;
  }

  #slowStart(sample: RateSample): void {
    const growth = this.#hyStart?.onAck(sample) ?? sample.ackedOutsideRecovery;
    if (growth < 0) {
      // §4.10: slow start ends without loss, and there is no W_max.
      this.slowStartThreshold = this.congestionWindow;
      this.#curve.prior = this.congestionWindow;
      this.#hyStart = undefined;
      return;
    }
    this.congestionWindow = Math.min(this.congestionWindow + growth, this.slowStartThreshold);
  }

  /** §4.2 to §4.5. */
  #avoid(now: TimeUs, ackedBytes: number): void {
    const datagram = this.maxDatagramBytes;
    const window = this.congestionWindow;
    this.#follow(now);
    const curve = this.#curve;
    const alpha = curve.reno >= curve.prior ? 1 : ALPHA;
    curve.reno += (alpha * ackedBytes * datagram) / window;
    const seconds = (now - curve.start) / 1e6;
    if (this.#cubic(seconds) < curve.reno) {
      this.congestionWindow = Math.max(window, curve.reno);
      return;
    }
    const ahead = this.#cubic(seconds + this.smoothedRttUs / 1e6);
    const target = Math.min(Math.max(ahead, window), MOST_GROWTH * window);
    this.congestionWindow = window + ((target - window) * ackedBytes) / window;
  }

  /** Begins a stage, or takes a pause out of the one that goes on. */
  #follow(now: TimeUs): void {
    const curve = this.#curve;
    const paused = this.#pausedAt < 0 ? 0 : now - this.#pausedAt;
    this.#pausedAt = -1;
    if (curve.begun) {
      curve.start += paused;
      return;
    }
    const window = this.congestionWindow;
    curve.begun = true;
    curve.start = now;
    curve.plateau = Math.max(window, curve.most);
    curve.k = Math.cbrt((curve.plateau - window) / this.maxDatagramBytes / C);
    curve.reno = window;
  }

  /** W_cubic(t), in bytes. */
  #cubic(seconds: number): number {
    const { k, plateau } = this.#curve;
    return C * (seconds - k) ** 3 * this.maxDatagramBytes + plateau;
  }
}
