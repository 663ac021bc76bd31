/** A look ends after so many microseconds at most: about what somebody near takes to answer who has to be woken first. */
export const MOST_LOOK_US = 100;
/** What a sleep costs: to be put to sleep and woken, and the sender to wake. */
const SLEEP_US = 40;
/** What a turn that sleeps adds, so that a look is tried now and then. */
const TRIAL_US = 4;
/** What looks may have saved up, and spend in vain when datagrams come slower. */
const MOST_LEFT_US = 10 * SLEEP_US;

/**
 * Whether to look for the next datagram for a moment before the thread sleeps. Where it comes sooner than a sleep takes,
 * looking costs less CPU than sleeping, and the other side need not wake anybody. Looks spend no more than what they saved
 * so far and `TRIAL_US` a turn.
 */
export class Lookout {
  #leftUs = 0;

  /** Asked once a turn, before its thread sleeps. */
  isDue(): boolean {
    if (this.#leftUs >= MOST_LOOK_US) return true;
    this.#leftUs += TRIAL_US;
    return false;
  }

  /** What a look came to. @param tookUs if longer than a look lasts, others had the CPU meanwhile */
  looked(found: boolean, tookUs: number): void {
    const spentUs = Math.min(MOST_LOOK_US, tookUs);
    this.#leftUs = Math.min(MOST_LEFT_US, this.#leftUs + (found ? SLEEP_US : 0) - spentUs);
  }
}
