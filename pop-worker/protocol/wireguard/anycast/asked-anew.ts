import type { TimeUs } from '../../contract.ts';
import { REKEY_TIMEOUT_US } from '../limits.ts';

const FIRST_AGAIN_US = 1e6;

/**
 * When a peer was asked anew, which is here and sends by a session that is not. The answer to the one before is lost by asking
 * again: the pauses grow to what a peer itself waits, so that a long round trip gets its answer.
 */
export class AskedAnew {
  #at: TimeUs = Number.NEGATIVE_INFINITY;
  #pauseUs = FIRST_AGAIN_US;

  mayAsk(now: TimeUs): boolean {
    return now - this.#at >= this.#pauseUs;
  }

  asked(now: TimeUs): void {
    const isOver = now - this.#at >= 2 * REKEY_TIMEOUT_US;
    this.#pauseUs = isOver ? FIRST_AGAIN_US : Math.min(2 * this.#pauseUs, REKEY_TIMEOUT_US);
    this.#at = now;
  }
}
