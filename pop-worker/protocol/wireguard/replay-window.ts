import { REPLAY_WINDOW } from './limits.ts';

const WORDS = REPLAY_WINDOW / 32;

/**
 * Which of the last 8192 counters came (as RFC 6479, §2: the window moves by clearing what it has left, not by shifting).
 * Counters have 64 bits, as two words. The bitmap is made with the first counter: a session that never hears costs nothing.
 */
export class ReplayWindow {
  #seen: Int32Array | undefined;
  #high = 0;
  #low = 0;

  /** Only for what was authentic. @returns false: it came before, or is too old to tell */
  take(high: number, low: number): boolean {
    if (this.#seen === undefined) return this.#begin(high, low);
    // Exact within 2^53, and beyond that of the right sign and far outside.
    const ahead = (high - this.#high) * 2 ** 32 + (low - this.#low);
    if (ahead <= -REPLAY_WINDOW) return false;
    if (ahead > 0) this.#advance(this.#seen, ahead, high, low);
    return this.#mark(this.#seen, low);
  }

  #begin(high: number, low: number): boolean {
    this.#seen = new Int32Array(WORDS);
    this.#high = high;
    this.#low = low;
    return this.#mark(this.#seen, low);
  }

  #mark(seen: Int32Array, low: number): boolean {
    const word = (low >>> 5) % WORDS;
    const bit = 1 << (low & 31);
    if (((seen[word] as number) & bit) !== 0) return false;
    seen[word] = (seen[word] as number) | bit;
    return true;
  }

  #advance(seen: Int32Array, ahead: number, high: number, low: number): void {
    if (ahead >= REPLAY_WINDOW) seen.fill(0);
    else this.#clear(seen, this.#low + 1, ahead);
    this.#high = high;
    this.#low = low;
  }

  /** Forgets `count` counters from `from` on, word by word. */
  #clear(seen: Int32Array, from: number, count: number): void {
    let at = from % REPLAY_WINDOW;
    for (let left = count; left > 0; ) {
      const first = at & 31;
      const bits = Math.min(32 - first, left);
      const mask = bits === 32 ? -1 : ((1 << bits) - 1) << first;
      seen[at >>> 5] = (seen[at >>> 5] as number) & ~mask;
      left -= bits;
      at = (at + bits) % REPLAY_WINDOW;
    }
  }
}
