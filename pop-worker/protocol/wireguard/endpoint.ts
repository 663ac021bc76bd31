import { ADDRESS_WORDS, sameAddress } from '../address.ts';
import { D_LOCAL, D_REMOTE } from '../burst.ts';

/** Where a peer is, and the address of ours that it is reached from: six words each. */
export class Endpoint {
  readonly words = new Int32Array(2 * ADDRESS_WORDS);
  isKnown = false;

  /** @param words a descriptor's @param at the descriptor */
  isAt(words: Int32Array, at: number): boolean {
    return (
      this.isKnown &&
      sameAddress(this.words, 0, words, at + D_REMOTE) &&
      sameAddress(this.words, ADDRESS_WORDS, words, at + D_LOCAL)
    );
  }

  /** Where the datagrams of a descriptor came from. @returns whether that is news */
  follow(words: Int32Array, at: number): boolean {
    if (this.isAt(words, at)) return false;
    for (let i = 0; i < 2 * ADDRESS_WORDS; i++) this.words[i] = words[at + D_REMOTE + i] as number;
    this.isKnown = true;
    return true;
  }

  /** Configured: from whichever address the system chooses. */
  set(remote: Int32Array): void {
    this.words.fill(0);
    this.words.set(remote);
    this.isKnown = true;
  }

  /** From whichever address the system chooses. */
  forgetSource(): void {
    this.words.fill(0, ADDRESS_WORDS);
  }

  copy(from: Endpoint): void {
    this.words.set(from.words);
    this.isKnown = from.isKnown;
  }
}
