import type { TimeUs } from '../../../contract.ts';
import { PROBE_RTT_DURATION_US } from '../constants.ts';
import type { Cycle } from '../cycle.ts';
import type { Model } from '../model.ts';
import { PROBE_RTT } from '../state-table.ts';

/** ProbeRTT: half a BDP for 200 ms and a round, so that the round trip without queues shows (§5.3.4). */
export class ProbeRtt {
  #doneAt: TimeUs | undefined;
  #roundDone = false;

  /** EnterProbeRTT() and what CheckProbeRTT() does beside it. */
  enter(model: Model, cycle: Cycle): void {
    model.state = PROBE_RTT;
    this.#doneAt = undefined;
    cycle.ackPhase = 'stopping';
    model.rounds.begin(model.delivered);
  }

  /** HandleProbeRTT(). @returns whether it is over */
  isDone(model: Model, now: TimeUs): boolean {
    if (this.#doneAt === undefined) {
      if (model.bytesInFlight > model.probeRttCwnd) return false;
      this.#doneAt = now + PROBE_RTT_DURATION_US;
      this.#roundDone = false;
      model.rounds.begin(model.delivered);
      return false;
    }
    if (model.rounds.start) this.#roundDone = true;
    return this.#roundDone && this.isTimeOver(now);
  }

  /** CheckProbeRTTDone(): its time is over; a flow that was idle has drained the queue without a round of its own. */
  isTimeOver(now: TimeUs): boolean {
    return this.#doneAt !== undefined && now > this.#doneAt;
  }
}
