import type { TimeUs } from '../../contract.ts';

/** So many handshake messages a second are answered without asking for a cookie, and a burst of a tenth of it. */
export const HANDSHAKES_A_SECOND = 1000;
/** Load lasts so long after it was last seen. */
export const UNDER_LOAD_US = 1e6;

/** Whether handshakes come faster than they should cost us: then only who has a cookie is listened to. */
export class HandshakeLoad {
  readonly #perSecond: number;
  #left: number;
  #at: TimeUs = 0;
  #until: TimeUs = 0;

  /** @param perSecond 0: always under load; Infinity: only while many wait */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = this.#burst;
  }

  get #burst(): number {
    return this.#perSecond === 0 ? 0 : Math.max(1, this.#perSecond / 10);
  }

  /**
   * One more message with a valid mac1.
   *
   * @param isCrowded many wait already
   * @returns whether we are under load
   */
  count(now: TimeUs, isCrowded: boolean): boolean {
    if (isCrowded) this.#until = now + UNDER_LOAD_US;
    if (this.#perSecond !== Number.POSITIVE_INFINITY) this.#countRate(now);
    return now < this.#until;
  }

  /** Whether we are under load, without another message. */
  isOn(now: TimeUs): boolean {
    return now < this.#until;
  }

  #countRate(now: TimeUs): void {
    const passed = Math.max(0, now - this.#at);
    this.#at = Math.max(this.#at, now);
    this.#left = Math.min(this.#burst, this.#left + (passed * this.#perSecond) / 1e6);
    if (this.#left < 1) this.#until = now + UNDER_LOAD_US;
    else this.#left--;
  }
}
