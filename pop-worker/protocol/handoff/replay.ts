import { REPLAY_PACKETS } from './limits.ts';

const WORDS = REPLAY_PACKETS / 32;

/** Which of the last packet numbers have been seen (as RFC 4303 §3.4.3). */
export class ReplayWindow {
  readonly #seen = new Int32Array(WORDS);
  #largest = -1;

  /** The newest number, -1 before the first. */
  get largest(): number {
    return this.#largest;
  }

  /** @returns false: it was seen, or is too old to tell */
  take(number: number): boolean {
    if (number > this.#largest) this.#advance(number);
    else if (this.#largest - number >= REPLAY_PACKETS) return false;
    const slot = number % REPLAY_PACKETS;
    const bit = 1 << (slot & 31);
    const word = this.#seen[slot >> 5] as number;
    if ((word & bit) !== 0) return false;
    this.#seen[slot >> 5] = word | bit;
    return true;
  }

  #advance(number: number): void {
    if (number - this.#largest >= REPLAY_PACKETS) this.#seen.fill(0);
    else {
      for (let next = this.#largest + 1; next <= number; next++) {
        const slot = next % REPLAY_PACKETS;
        this.#seen[slot >> 5] = (this.#seen[slot >> 5] as number) & ~(1 << (slot & 31));
      }
    }
    this.#largest = number;
  }
}
