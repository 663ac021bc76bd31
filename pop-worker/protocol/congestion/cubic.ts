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

/** A stage of congestion avoidance (RFC 9438 §4.2), in bytes and microseconds. */
interface Epoch {
  readonly start: TimeUs;
  /** K, in seconds. */
  readonly k: number;
  /** W_max. */
  readonly plateau: number;
  /** W_est. */
  readonly reno: number;
}

/** CUBIC (RFC 9438) with HyStart++ (RFC 9406) for the first slow start. */
export class Cubic extends LossBased {
  override readonly name = 'cubic';
  #hyStart: HyStart | undefined = new HyStart();
  #epoch: Epoch | undefined;
  /** W_max, and cwnd_prior: 0 before the first congestion. */
  #plateau = 0;
  #prior = 0;
  /** Since when the window is not used: the clock stands still (§4.2, §5.8). */
  #pausedAt: TimeUs | undefined;
  #saved: { readonly epoch: Epoch | undefined; readonly plateau: number; readonly prior: number } | undefined;

  protected override grow(now: TimeUs, sample: RateSample): void {
    if (this.inSlowStart) this.#slowStart(sample);
    else this.#avoid(now, sample.ackedOutsideRecovery);
  }

  protected override onUnderutilized(now: TimeUs): void {
    this.#pausedAt ??= now;
  }

  /** §4.6, §4.7. */
  protected override reduce(): void {
    const window = this.congestionWindow;
    this.#saved = { epoch: this.#epoch, plateau: this.#plateau, prior: this.#prior };
    this.#prior = window;
    this.#plateau = window < this.#plateau ? (window * (1 + BETA)) / 2 : window;
    this.slowStartThreshold = Math.max(window * BETA, minimumWindow(this.maxDatagramBytes));
    this.congestionWindow = this.slowStartThreshold;
    this.#hyStart = undefined;
    this.#epoch = undefined;
    this.#pausedAt = undefined;
  }

  /** §4.9.2. */
  protected override undo(): void {
    if (this.#saved === undefined) return;
    this.#epoch = this.#saved.epoch;
    this.#plateau = this.#saved.plateau;
    this.#prior = this.#saved.prior;
    this.#saved = undefined;
  }

  /** §4.8. */
  protected override restart(): void {
    this.#plateau = 0;
    this.#epoch = undefined;
    this.#hyStart = undefined;
  }

  #slowStart(sample: RateSample): void {
    const growth = this.#hyStart?.onAck(sample) ?? sample.ackedOutsideRecovery;
    if (growth < 0) {
      // §4.10: slow start ends without loss, and there is no W_max.
      this.slowStartThreshold = this.congestionWindow;
      this.#prior = this.congestionWindow;
      this.#hyStart = undefined;
      return;
    }
    this.congestionWindow = Math.min(this.congestionWindow + growth, this.slowStartThreshold);
  }

  /** §4.2 to §4.5. */
  #avoid(now: TimeUs, ackedBytes: number): void {
    const datagram = this.maxDatagramBytes;
    const window = this.congestionWindow;
    const epoch = this.#epochAt(now);
    const alpha = epoch.reno >= this.#prior ? 1 : ALPHA;
    const reno = epoch.reno + (alpha * ackedBytes * datagram) / window;
    this.#epoch = { ...epoch, reno };
    const seconds = (now - epoch.start) / 1e6;
    if (this.#cubic(epoch, seconds) < reno) {
      this.congestionWindow = Math.max(window, reno);
      return;
    }
    const ahead = this.#cubic(epoch, seconds + this.smoothedRttUs / 1e6);
    const target = Math.min(Math.max(ahead, window), MOST_GROWTH * window);
    this.congestionWindow = window + ((target - window) * ackedBytes) / window;
  }

  #epochAt(now: TimeUs): Epoch {
    const paused = this.#pausedAt;
    this.#pausedAt = undefined;
    const epoch = this.#epoch;
    if (epoch !== undefined) return paused === undefined ? epoch : { ...epoch, start: epoch.start + (now - paused) };
    const window = this.congestionWindow;
    if (window >= this.#plateau) return { start: now, k: 0, plateau: window, reno: window };
    const k = Math.cbrt((this.#plateau - window) / this.maxDatagramBytes / C);
    return { start: now, k, plateau: this.#plateau, reno: window };
  }

  /** W_cubic(t), in bytes. */
  #cubic({ k, plateau }: Epoch, seconds: number): number {
    return C * (seconds - k) ** 3 * this.maxDatagramBytes + plateau;
  }
}
