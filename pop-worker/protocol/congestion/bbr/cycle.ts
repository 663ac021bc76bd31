import type { TimeUs } from '../../contract.ts';
import { PROBE_ROUNDS, PROBE_WAIT_SPREAD_US, PROBE_WAIT_US } from './constants.ts';
import type { Model } from './model.ts';

/** §2.14, BBR.ack_phase: what the ACKs that come now say about the latest probe for bandwidth. */
export type AckPhase = 'none' | 'refilling' | 'starting' | 'feedback' | 'stopping';

/** What is remembered from one probe for bandwidth to the next (draft-ietf-ccwg-bbr-06 §2.14). */
export class Cycle {
  ackPhase: AckPhase = 'none';
  /** BBR.is_bw_probe_sample: what is acknowledged or lost now was sent by a probe that has not yet been answered. */
  isProbeSample = false;
  /** BBR.prev_probe_too_high, BBR.prev_probe_precautionary (§5.3.3.6). */
  wentTooHigh = false;
  wasPrecautionary = false;
  #start: TimeUs = 0;
  #waitUs = 0;

  /** PickProbeWait(), and the clock starts. */
  begin(model: Model, now: TimeUs): void {
    this.#start = now;
    model.rounds.sinceProbe = model.random() < 0.5 ? 0 : 1;
    this.#waitUs = PROBE_WAIT_US + model.random() * PROBE_WAIT_SPREAD_US;
  }

  /** §5.3.3.9, IsTimeToProbeBW(): two to three seconds, or as many rounds as Reno would take (§5.3.3.8). */
  isTimeToProbe(model: Model, now: TimeUs): boolean {
    if (now > this.#start + this.#waitUs) return true;
    // The draft compares rounds with bytes; packets are meant.
    const renoRounds = model.targetInflight / model.datagramBytes;
    return model.rounds.sinceProbe >= Math.min(renoRounds, PROBE_ROUNDS);
  }
}
