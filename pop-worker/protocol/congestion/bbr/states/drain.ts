import { DRAIN_ROUNDS } from '../constants.ts';
import type { Model } from '../model.ts';
import { DRAIN } from '../state-table.ts';

/** Drain: the queue that Startup made goes away (§5.3.2). */
export class Drain {
  #startRound = 0;

  enter(model: Model): void {
    model.state = DRAIN;
    this.#startRound = model.rounds.count;
  }

  /** CheckDrainDone(). */
  isDone(model: Model): boolean {
    if (model.state !== DRAIN) return false;
    return model.bytesInFlight <= model.inflight(1) || model.rounds.count > this.#startRound + DRAIN_ROUNDS;
  }
}
