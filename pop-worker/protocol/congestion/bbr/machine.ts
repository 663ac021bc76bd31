import type { TimeUs } from '../../contract.ts';
import type { LostPacket, RateSample } from '../rate-sampler.ts';
import { BETA } from './constants.ts';
import { Cycle } from './cycle.ts';
import { inflightAtLoss, isTooHigh } from './long-term.ts';
import type { Model } from './model.ts';
import { CRUISE, DOWN, PROBE_RTT, REFILL, STARTUP, UP } from './state-table.ts';
import { enterCruise } from './states/cruise.ts';
import { enterDown, isTimeToCruise } from './states/down.ts';
import { Drain } from './states/drain.ts';
import { ProbeRtt } from './states/probe-rtt.ts';
import { enterRefill } from './states/refill.ts';
import { Startup } from './states/startup.ts';
import { enterUp, isTimeToGoDown, raiseBound } from './states/up.ts';
import { Undo } from './undo.ts';

/** Which state a flow is in, and when it changes (draft-ietf-ccwg-bbr-06 §5.3). What a state does is in `states/`. */
export class Machine {
  readonly undo = new Undo();
  readonly #model: Model;
  readonly #cycle = new Cycle();
  readonly #startup = new Startup();
  readonly #drain = new Drain();
  readonly #probeRtt = new ProbeRtt();

  constructor(model: Model) {
    this.#model = model;
  }

  /** The part of UpdateModelAndState() that changes states (§5.2.3); the signals of this ACK are in the model. */
  onAck(now: TimeUs, sample: RateSample, inRecovery: boolean): void {
    const model = this.#model;
    const { fullBandwidth, rounds } = model;
    // A round without a sample says nothing.
    if (rounds.start && !sample.isAppLimited && sample.deliveryRate > 0) fullBandwidth.onRound(sample.deliveryRate);
    if (this.#startup.hasHighLoss(model, sample)) this.#leaveStartupByLoss();
    if (model.state === STARTUP && fullBandwidth.reached) this.#drain.enter(model);
    if (this.#drain.isDone(model)) enterDown(model, this.#cycle, now);
    if (fullBandwidth.reached) this.#moveInCycle(now, sample);
    model.minRtt.update(now, sample.rttUs);
    this.#checkProbeRtt(now, inRecovery);
    if (sample.delivered > 0) model.idleRestart = false;
  }

  /** HandleLostPacket() (§5.5.10.2) for one packet. */
  onLost(now: TimeUs, packet: LostPacket): void {
    const model = this.#model;
    model.shortTerm.noteLoss(model.delivered);
    this.#startup.onLost(packet);
    if (!isTooHigh(packet.lost, packet.txInFlight)) return;
    this.#onTooHigh(now, inflightAtLoss(packet), packet.isAppLimited);
  }

  /**
   * ECN-CE counts as the loss of so many packets (§3.7), and one is too much for a probe: marks do not come by chance, as
   * losses may. Which packets were marked, no ACK tells, so the newest acknowledged stands for them.
   */
  onMarked(now: TimeUs, sample: RateSample, marks: number): void {
    const model = this.#model;
    model.shortTerm.noteLoss(model.delivered);
    this.#startup.onMarked(marks);
    this.#onTooHigh(now, sample.txInFlight, sample.isAppLimited);
  }

  /** HandleSpuriousLossDetection() (§5.5.11.2). */
  onSpuriousLoss(): void {
    const model = this.#model;
    const { state } = this.undo;
    this.undo.restore(model);
    this.undo.state = undefined;
    if (state === undefined || state === model.state) return;
    if (state === STARTUP) model.fullBandwidth.reached = false;
    if (model.state === PROBE_RTT) return;
    if (state === STARTUP) this.#startup.enter(model);
    else enterRefill(model, this.#cycle);
  }

  /** HandleRestartFromIdle() (§5.4.1), before the first packet after an application-limited idleness. */
  onIdleRestart(now: TimeUs): void {
    const model = this.#model;
    model.idleRestart = true;
    model.extraAcked.restart(now);
    if (model.state.inProbeBandwidth) model.setPacingRate(1);
    else if (model.state === PROBE_RTT && this.#probeRtt.isTimeOver(now)) this.#leaveProbeRtt(now);
  }

  /** HandleInflightTooHigh(), if a probe put it there. @param inflight bytes that were too much */
  #onTooHigh(now: TimeUs, inflight: number, isAppLimited: boolean): void {
    const model = this.#model;
    const cycle = this.#cycle;
    if (!cycle.isProbeSample) return;
    cycle.wentTooHigh = true;
    // Only one reaction to a probe.
    cycle.isProbeSample = false;
    if (!isAppLimited) model.longTerm.inflight = Math.max(inflight, BETA * model.targetInflight);
    if (model.state !== UP) return;
    this.undo.state = UP;
    enterDown(model, cycle, now);
  }

  #leaveStartupByLoss(): void {
    const model = this.#model;
    this.undo.state = STARTUP;
    model.fullBandwidth.markFull();
    model.longTerm.inflight = Math.max(model.bdp(1), model.shortTerm.latestInflight);
  }

  /** UpdateProbeBWCyclePhase() (§5.3.3.9). */
  #moveInCycle(now: TimeUs, sample: RateSample): void {
    const model = this.#model;
    const cycle = this.#cycle;
    if (this.#adaptLongTerm(sample)) return;
    switch (model.state) {
      case DOWN:
        if (cycle.isTimeToProbe(model, now)) enterRefill(model, cycle);
        else if (isTimeToCruise(model)) enterCruise(model);
        break;
      case CRUISE:
        if (cycle.isTimeToProbe(model, now)) enterRefill(model, cycle);
        break;
      case REFILL:
        if (model.rounds.start) enterUp(model, cycle, sample);
        break;
      case UP:
        if (isTimeToGoDown(model, cycle, sample)) {
          cycle.wentTooHigh = false;
          enterDown(model, cycle, now);
        }
        break;
    }
  }

  /** AdaptLongTermModel(). @returns whether the state has changed */
  #adaptLongTerm(sample: RateSample): boolean {
    const model = this.#model;
    const cycle = this.#cycle;
    const { longTerm, rounds, state } = model;
    if (rounds.start && cycle.ackPhase === 'starting') cycle.ackPhase = 'feedback';
    if (rounds.start && cycle.ackPhase === 'stopping') {
      cycle.isProbeSample = false;
      cycle.ackPhase = 'none';
      if (state.inProbeBandwidth && !sample.isAppLimited) model.maxBandwidth.advance();
      if (state.inProbeBandwidth && cycle.wasPrecautionary && !cycle.wentTooHigh) {
        enterRefill(model, cycle);
        return true;
      }
    }
    if (longTerm.inflight === Number.POSITIVE_INFINITY || isTooHigh(sample.lost, sample.txInFlight)) return false;
    if (sample.txInFlight > longTerm.inflight) longTerm.inflight = sample.txInFlight;
    if (state === UP) raiseBound(model, sample);
    return false;
  }

  /** CheckProbeRTT() (§5.3.4.3). */
  #checkProbeRtt(now: TimeUs, inRecovery: boolean): void {
    const model = this.#model;
    if (model.state !== PROBE_RTT && model.minRtt.expired && !model.idleRestart) {
      this.#probeRtt.enter(model, this.#cycle);
      this.undo.saveCwnd(model, inRecovery);
    }
    if (model.state === PROBE_RTT && this.#probeRtt.isDone(model, now)) this.#leaveProbeRtt(now);
  }

  /** ExitProbeRTT() (§5.3.4.4): the queue is gone, so DOWN is over as soon as it begins. */
  #leaveProbeRtt(now: TimeUs): void {
    const model = this.#model;
    model.minRtt.scheduleNext(now);
    this.undo.restoreCwnd(model);
    model.shortTerm.release();
    if (!model.fullBandwidth.reached) this.#startup.enter(model);
    else {
      enterDown(model, this.#cycle, now);
      enterCruise(model);
    }
  }
}
