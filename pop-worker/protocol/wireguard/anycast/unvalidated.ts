import type { TimeUs } from '../../contract.ts';
import { Endpoint } from '../endpoint.ts';
import { REKEY_TIMEOUT_US } from '../limits.ts';
import type { Pending } from '../peer.ts';
import { INITIATION_BYTES } from '../wire/initiation.ts';

/**
 * A source that sends a peer's data of a session that this worker does not hold. It may be the peer, whose packets another
 * worker got until now; or anybody, who has it as its victim. Nothing is sent to it beyond what came from it, and what is
 * begun with it is beside all that is under way with where the peer is known to be: a stranger must not hinder that.
 */
export class UnvalidatedSource {
  readonly endpoint = new Endpoint();
  pending: Pending | undefined;
  #credit = 0;
  /** When one was last to go there. */
  #sentAt: TimeUs = Number.NEGATIVE_INFINITY;
  /** When the pending one went: a moment later, perhaps. */
  #pendingSince: TimeUs = Number.NEGATIVE_INFINITY;

  /** Some bytes came from there. */
  count(words: Int32Array, at: number, bytes: number): void {
    // Another source begins from nothing.
    if (this.endpoint.follow(words, at)) this.#credit = 0;
    this.#credit += bytes;
  }

  /** Whether an initiation may go there now. */
  mayBegin(now: TimeUs): boolean {
    return this.#credit >= INITIATION_BYTES && now - this.#sentAt >= REKEY_TIMEOUT_US;
  }

  /**
   * What was begun with it and may be answered now. An answer that somebody held back for longer would begin a session whose
   * keys are over at the other side, with whoever sent it.
   */
  awaited(now: TimeUs): Pending | undefined {
    return now - this.#pendingSince < REKEY_TIMEOUT_US ? this.pending : undefined;
  }

  /** One is to go there. */
  spend(now: TimeUs): void {
    this.#credit -= INITIATION_BYTES;
    this.#sentAt = now;
  }

  /** One has gone there. It is not repeated: what comes from there next is the occasion for another. */
  sent(pending: Pending, now: TimeUs): void {
    this.pending?.state.forget();
    this.pending = pending;
    this.#pendingSince = now;
  }
}
