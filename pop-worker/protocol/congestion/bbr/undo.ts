import type { Model } from './model.ts';
import { PROBE_RTT, type State } from './state-table.ts';

const { max } = Math;

/**
 * What a recovery episode may take back when it turns out to have been needless (draft-ietf-ccwg-bbr-06 §5.5.11), and the
 * window to go back to when it ends (§5.6.4.4).
 */
export class Undo {
  /** BBR.undo_state: the state that the losses of this episode ended. */
  state: State | undefined;
  #priorCwnd = 0;
  #bandwidth = Number.POSITIVE_INFINITY;
  #inflight = Number.POSITIVE_INFINITY;
  #longTerm = Number.POSITIVE_INFINITY;

  /** SaveStateUponLoss(), as an episode begins. */
  save(model: Model, inRecovery: boolean): void {
    this.saveCwnd(model, inRecovery);
    this.state = undefined;
    this.#bandwidth = model.shortTerm.bandwidth;
    this.#inflight = model.shortTerm.inflight;
    this.#longTerm = model.longTerm.inflight;
  }

  /** SaveCwnd(): the latest window that neither loss nor ProbeRTT has cut. */
  saveCwnd(model: Model, inRecovery: boolean): void {
    const isWhole = !inRecovery && model.state !== PROBE_RTT;
    this.#priorCwnd = isWhole ? model.cwnd : max(this.#priorCwnd, model.cwnd);
  }

  /** RestoreCwnd(); the model bounds it afterwards. */
  restoreCwnd(model: Model): void {
    model.cwnd = max(model.cwnd, this.#priorCwnd);
  }

  /** The parameters of HandleSpuriousLossDetection(); the state is the machine's. */
  restore(model: Model): void {
    this.restoreCwnd(model);
    const { shortTerm, longTerm } = model;
    shortTerm.lossInRound = false;
    model.fullBandwidth.reset();
    shortTerm.bandwidth = max(shortTerm.bandwidth, this.#bandwidth);
    shortTerm.inflight = max(shortTerm.inflight, this.#inflight);
    longTerm.inflight = max(longTerm.inflight, this.#longTerm);
  }
}
