import type { LostPacket, RateSample } from '../../rate-sampler.ts';
import { STARTUP_LOSS_RANGES } from '../constants.ts';
import { isTooHigh } from '../long-term.ts';
import type { Model } from '../model.ts';
import { STARTUP } from '../state-table.ts';

/** Startup: the rate doubles each round until it brings no more, or until too much is lost (§5.3.1). */
export class Startup {
  #lossRanges = 0;
  #lastLost = -1;

  enter(model: Model): void {
    model.state = STARTUP;
  }

  /** Losses come in order; those of consecutive packets are one range. */
  onLost({ packetNumber }: LostPacket): void {
    if (packetNumber !== this.#lastLost + 1) this.#lossRanges++;
    this.#lastLost = packetNumber;
  }

  /** A queue marks on purpose: no chance that strikes many packets in a row has to be told from it. */
  onMarked(marks: number): void {
    this.#lossRanges += marks;
  }

  /** §5.3.1.3, CheckStartupHighLoss(). @returns whether loss says that the pipe is full */
  hasHighLoss(model: Model, sample: RateSample): boolean {
    if (!model.shortTerm.roundStart) return false;
    // A loss round begins with the first loss, so losses in one that ends mean a whole round in recovery.
    const isHigh = this.#lossRanges >= STARTUP_LOSS_RANGES && isTooHigh(sample.lost, sample.txInFlight);
    this.#lossRanges = 0;
    return isHigh && model.state === STARTUP && !model.fullBandwidth.reached;
  }
}
