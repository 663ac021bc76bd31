import type { RateSample } from '../rate-sampler.ts';
import { BETA } from './constants.ts';

const { max } = Math;

/** Bounds that loss sets between two probes for bandwidth (draft-ietf-ccwg-bbr-06 §3.4.2.2, §5.5.10.3). */
export class ShortTerm {
  /** BBR.bw_shortterm in bytes a second and BBR.inflight_shortterm in bytes; `Infinity`: no bound. */
  bandwidth = Number.POSITIVE_INFINITY;
  inflight = Number.POSITIVE_INFINITY;
  /** BBR.is_loss_in_round. */
  lossInRound = false;
  /** BBR.loss_round_start: this ACK ends a round that is counted from the first loss. */
  roundStart = false;
  /** BBR.bw_latest, BBR.inflight_latest: the most of this round. */
  latestBandwidth = 0;
  latestInflight = 0;
  #roundDelivered = 0;

  /** NoteLoss(): a packet is lost. @param delivered C.delivered */
  noteLoss(delivered: number): void {
    if (!this.lossInRound) this.#roundDelivered = delivered;
    this.lossInRound = true;
  }

  /** UpdateLatestDeliverySignals(), first of all on an ACK. */
  beginAck(sample: RateSample): void {
    this.latestBandwidth = max(this.latestBandwidth, sample.deliveryRate);
    this.latestInflight = max(this.latestInflight, sample.delivered);
    this.roundStart = sample.priorDelivered >= this.#roundDelivered;
    if (this.roundStart) this.#roundDelivered = sample.totalDelivered;
  }

  /** The end of a round: loss in it lowers the bounds, unless the flow probes. LossLowerBounds() */
  endRound(adapt: boolean, maxBandwidth: number, cwnd: number): void {
    if (adapt && this.lossInRound) {
      const bandwidth = this.bandwidth === Number.POSITIVE_INFINITY ? maxBandwidth : this.bandwidth;
      const inflight = this.inflight === Number.POSITIVE_INFINITY ? cwnd : this.inflight;
      this.bandwidth = max(this.latestBandwidth, BETA * bandwidth);
      this.inflight = max(this.latestInflight, BETA * inflight);
    }
    this.lossInRound = false;
  }

  /** AdvanceLatestDeliverySignals(), last of all on an ACK. */
  endAck(sample: RateSample): void {
    if (!this.roundStart) return;
    this.latestBandwidth = sample.deliveryRate;
    this.latestInflight = sample.delivered;
  }

  /** ResetCongestionSignals() */
  resetSignals(): void {
    this.lossInRound = false;
    this.latestBandwidth = 0;
    this.latestInflight = 0;
  }

  /** ResetShortTermModel() */
  release(): void {
    this.bandwidth = Number.POSITIVE_INFINITY;
    this.inflight = Number.POSITIVE_INFINITY;
  }
}
