import type { CongestionController } from '#protocol/congestion/controller.ts';
import type { TimeUs } from '../../contract.ts';

/** Datagrams that may leave at once on a new path (RFC 9002 §7.7: the initial window). */
const INITIAL_BURST_DATAGRAMS = 10;

/**
 * Spreads packets over time (RFC 9002 §7.7): a bucket of bytes that fills at the controller's rate and holds two quanta.
 * Once it is empty, nothing leaves until a whole quantum is there, so that packets travel in bursts that segmentation
 * offload is good at; the second quantum makes up for a timer that comes late. In any interval no more leaves than the
 * rate gives and two quanta, but for what is not paced (probes).
 */
export class Pacer {
  readonly #controller: CongestionController;
  #tokens: number;
  #filledAt: TimeUs;
  #refilling = false;

  constructor(controller: CongestionController, maxDatagramBytes: number, now: TimeUs) {
    this.#controller = controller;
    this.#tokens = INITIAL_BURST_DATAGRAMS * maxDatagramBytes;
    this.#filledAt = now;
  }

  /** Microseconds to wait until this many bytes may leave, 0 for now. */
  delayUntil(now: TimeUs, bytes: number): number {
    const rate = this.#controller.pacingRate;
    if (rate === Number.POSITIVE_INFINITY) return 0;
    this.#fill(now, rate);
    const quantum = Math.max(this.#controller.sendQuantum, Math.min(bytes, 2 * this.#controller.sendQuantum));
    const needed = this.#refilling ? quantum : Math.min(bytes, quantum);
    if (this.#tokens >= needed) {
      this.#refilling = false;
      return 0;
    }
    this.#refilling = true;
    return Math.ceil(((quantum - this.#tokens) * 1e6) / rate);
  }

  onSent(now: TimeUs, bytes: number): void {
    const rate = this.#controller.pacingRate;
    if (rate !== Number.POSITIVE_INFINITY) this.#fill(now, rate);
    // What was not asked for is owed, but no more than the bucket holds.
    this.#tokens = Math.max(this.#tokens - bytes, -2 * this.#controller.sendQuantum);
  }

  #fill(now: TimeUs, rate: number): void {
    const elapsed = now - this.#filledAt;
    if (elapsed <= 0) return;
    this.#filledAt = now;
    const capacity = 2 * this.#controller.sendQuantum;
    if (this.#tokens < capacity) this.#tokens = Math.min(capacity, this.#tokens + (elapsed * rate) / 1e6);
  }
}
