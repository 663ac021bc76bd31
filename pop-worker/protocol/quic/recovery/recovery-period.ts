import type { TimeUs } from '../../contract.ts';

/**
 * Counts what one recovery period deemed lost and what of it was acknowledged after all. When that is everything, there
 * was no loss, only reordering or delay, and the controller may take back what it did.
 */
export class RecoveryPeriod {
  #start: TimeUs = Number.NEGATIVE_INFINITY;
  #lost = 0;
  #late = 0;
  #final = true;

  begin(now: TimeUs): void {
    this.#start = now;
    this.#lost = 0;
    this.#late = 0;
    this.#final = false;
  }

  onLost(packets: number): void {
    this.#lost += packets;
  }

  /** ECN-CE: nothing of this period will be taken back. */
  makeFinal(): void {
    this.#final = true;
  }

  /** @param lostTime when the packet was deemed lost */
  onLateAck(lostTime: TimeUs): void {
    if (lostTime >= this.#start) this.#late++;
  }

  /** Every loss of the period was spurious; true once. */
  takeSpurious(): boolean {
    if (this.#final || this.#lost === 0 || this.#late < this.#lost) return false;
    this.#final = true;
    return true;
  }
}
