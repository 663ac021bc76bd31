import type { TimeUs } from '../../../contract.ts';
import type { Cycle } from '../cycle.ts';
import type { Model } from '../model.ts';
import { DOWN } from '../state-table.ts';

/** ProbeBW_DOWN: less is sent than arrives, so that the queue of the probe goes away (§5.3.3.1, StartProbeBW_DOWN). */
export const enterDown = (model: Model, cycle: Cycle, now: TimeUs): void => {
  model.shortTerm.resetSignals();
  model.longTerm.stopRaising();
  cycle.begin(model, now);
  cycle.ackPhase = 'stopping';
  model.rounds.begin(model.delivered);
  model.state = DOWN;
};

/** §5.3.3.9, IsTimeToCruise(). */
export const isTimeToCruise = (model: Model): boolean =>
  model.bytesInFlight <= model.longTerm.withHeadroom(model.datagramBytes) &&
  model.bytesInFlight <= model.inflight(1, model.maxBandwidth.value);
