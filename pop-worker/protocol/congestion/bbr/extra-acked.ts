import type { TimeUs } from '../../contract.ts';
import { EXTRA_ACKED_ROUNDS, EXTRA_ACKED_STARTUP_ROUNDS } from './constants.ts';
import { WindowedMax } from './windowed-max.ts';

/** How much more than expected ACKs bring at once (draft-ietf-ccwg-bbr-06 §5.5.9). */
export class ExtraAcked {
  readonly #filter = new WindowedMax(EXTRA_ACKED_ROUNDS);
  #start: TimeUs = 0;
  #acked = 0;

  /** BBR.extra_acked, in bytes. */
  get value(): number {
    return this.#filter.value;
  }

  /**
   * UpdateACKAggregation().
   *
   * @param bandwidth BBR.bw, bytes a second
   * @param newlyAcked bytes
   * @param cap bytes; a sample is never larger
   * @param full the pipe was full before: the past counts for longer
   */
  update(now: TimeUs, bandwidth: number, newlyAcked: number, cap: number, round: number, full: boolean): void {
    let expected = (bandwidth * (now - this.#start)) / 1e6;
    if (this.#acked <= expected) {
      this.restart(now);
      expected = 0;
    }
    this.#acked += newlyAcked;
    const extra = Math.min(this.#acked - expected, cap);
    this.#filter.update(extra, round, full ? EXTRA_ACKED_ROUNDS : EXTRA_ACKED_STARTUP_ROUNDS);
  }

  /** Counting starts anew: ACKs came more slowly than expected, or nothing was in flight. */
  restart(now: TimeUs): void {
    this.#start = now;
    this.#acked = 0;
  }
}
