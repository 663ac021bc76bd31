import { FULL_BANDWIDTH_GROWTH, FULL_BANDWIDTH_ROUNDS } from './constants.ts';

/** Whether sending faster still brings more (draft-ietf-ccwg-bbr-06 §5.3.1.2). */
export class FullBandwidth {
  /** BBR.full_bw_reached: the pipe was full at some time. */
  reached = false;
  /** BBR.full_bw_now: it is, as far as is known since the latest `reset`. */
  now = false;
  /** BBR.full_bw, in bytes a second: what growth is compared with. */
  baseline = 0;
  /** BBR.full_bw_count. */
  rounds = 0;

  /** ResetFullBW(): look again. @param baseline bytes a second */
  reset(baseline = 0): void {
    this.baseline = baseline;
    this.rounds = 0;
    this.now = false;
  }

  /** CheckFullBWReached(), at the end of a round whose sample the application did not limit. @param rate bytes a second */
  onRound(rate: number): void {
    if (this.now) return;
    if (rate >= this.baseline * FULL_BANDWIDTH_GROWTH) {
      this.reset(rate);
      return;
    }
    this.rounds++;
    this.now = this.rounds >= FULL_BANDWIDTH_ROUNDS;
    if (this.now) this.reached = true;
  }

  /** Loss showed it (§5.3.1.3). */
  markFull(): void {
    this.now = true;
    this.reached = true;
  }
}
