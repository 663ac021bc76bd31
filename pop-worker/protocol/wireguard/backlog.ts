import { DESCRIPTOR_WORDS } from '../burst.ts';
import type { OwnKey } from './own-keys.ts';

/** Handshake messages that are handled in one turn: about a millisecond. Data gets its turn between. */
export const HANDSHAKES_A_TURN = 8;
/** Those that wait; more are dropped. */
export const MOST_WAITING = 2048;
/** More than that are a load: who begins one must show a cookie. */
export const MANY_WAITING = MOST_WAITING / 8;

/** A handshake message that was admitted, with the descriptor that it came with. */
export interface Waiting {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** That its sender knows. */
  readonly own: OwnKey;
  /** Another worker has it from its sender. */
  readonly isHanded: boolean;
}

/** Handshakes cost a hundred times what a packet does: beyond a few in a turn they wait for later ones. */
export class Backlog {
  #waiting: Waiting[] = [];
  #first = 0;
  #left = HANDSHAKES_A_TURN;

  get size(): number {
    return this.#waiting.length - this.#first;
  }

  /** A turn begins. */
  begin(): void {
    this.#left = HANDSHAKES_A_TURN;
  }

  /** Whether one more may be handled in this turn, which counts it. Those that wait come first. */
  takeTurn(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  /** Keeps a copy. @returns false: there is no room */
  add(
    own: OwnKey,
    bytes: Uint8Array,
    at: number,
    length: number,
    words: Int32Array,
    from: number,
    isHanded = false,
  ): boolean {
    if (this.size === MOST_WAITING) return false;
    const descriptor = words.slice(from, from + DESCRIPTOR_WORDS);
    this.#waiting.push({ own, bytes: bytes.slice(at, at + length), words: descriptor, isHanded });
    return true;
  }

  next(): Waiting | undefined {
    const message = this.#waiting[this.#first];
    if (message === undefined) return undefined;
    this.#first++;
    if (this.#first === this.#waiting.length) {
      this.#waiting = [];
      this.#first = 0;
    }
    return message;
  }
}
