import type { Cycle } from '../cycle.ts';
import type { Model } from '../model.ts';
import { REFILL } from '../state-table.ts';

/** ProbeBW_REFILL: a round without short-term bounds fills the pipe before more is tried (§5.3.3.3, StartProbeBW_REFILL). */
export const enterRefill = (model: Model, cycle: Cycle): void => {
  model.shortTerm.release();
  model.longTerm.resetSlope();
  cycle.wasPrecautionary = false;
  cycle.ackPhase = 'refilling';
  model.rounds.begin(model.delivered);
  model.state = REFILL;
};
