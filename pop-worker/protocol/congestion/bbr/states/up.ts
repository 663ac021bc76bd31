import type { RateSample } from '../../rate-sampler.ts';
import type { Cycle } from '../cycle.ts';
import type { Model } from '../model.ts';
import { UP } from '../state-table.ts';

/** ProbeBW_UP: more is sent than arrives, to find out whether more could (§5.3.3.5, StartProbeBW_UP). */
export const enterUp = (model: Model, cycle: Cycle, sample: RateSample): void => {
  cycle.isProbeSample = true;
  cycle.ackPhase = 'starting';
  model.rounds.begin(model.delivered);
  model.fullBandwidth.reset(sample.deliveryRate);
  model.state = UP;
  model.longTerm.raiseSlope(model.cwnd, model.datagramBytes);
};

/** The long-term bound is what the flow runs into. */
const isBoundLimiting = (model: Model): boolean => model.rounds.windowLimited && model.cwnd >= model.longTerm.inflight;

/** §5.3.3.9, ProbeInflightLongtermUpward(). */
export const raiseBound = (model: Model, sample: RateSample): void => {
  if (!isBoundLimiting(model)) return;
  model.longTerm.raise(sample.newlyAcked, model.datagramBytes);
  if (model.rounds.start) model.longTerm.raiseSlope(model.cwnd, model.datagramBytes);
};

/** §5.3.3.9, IsTimeToGoDown(). Excess loss ends the probe elsewhere, where the loss is told. */
export const isTimeToGoDown = (model: Model, cycle: Cycle, sample: RateSample): boolean => {
  // Before this ACK, and as near as whole datagrams come: the window, which the bound caps, is never quite full.
  if (cycle.wentTooHigh && sample.priorInFlight + model.datagramBytes > model.longTerm.inflight) {
    cycle.wasPrecautionary = true;
    return true;
  }
  if (isBoundLimiting(model)) {
    // The bound keeps the rate from growing, which says nothing about the path.
    model.fullBandwidth.reset(sample.deliveryRate);
    return false;
  }
  return model.fullBandwidth.now;
};
