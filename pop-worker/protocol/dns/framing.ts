import { HEADER_BYTES } from './numbers.ts';

const LENGTH_BYTES = 2;
/** What is never a query is not waited for. */
const MOST_QUERY_BYTES = 4096;

/** Two bytes before each message say how long it is (RFC 1035 §4.2.2). */
export const putLength = (out: Uint8Array, at: number, length: number): void => {
  out[at] = length >>> 8;
  out[at + 1] = length;
};

/** Cuts what comes by a TCP connection into messages. */
export class Framing {
  readonly #waiting = new Uint8Array(LENGTH_BYTES + MOST_QUERY_BYTES);
  #held = 0;

  /** Whether a part of a message has come, and the rest not yet. */
  get isMidway(): boolean {
    return this.#held > 0;
  }

  /**
   * @param each gets every message that is whole now; its bytes are good for the call; false: nothing more is wanted
   * @returns false: what comes is no DNS, the connection should end
   */
  take(bytes: Uint8Array, length: number, each: (message: Uint8Array) => boolean): boolean {
    const waiting = this.#waiting;
    for (let at = 0; at < length; ) {
      if (this.#held < LENGTH_BYTES) {
        waiting[this.#held++] = bytes[at++] as number;
        continue;
      }
      const size = ((waiting[0] as number) << 8) | (waiting[1] as number);
      if (size < HEADER_BYTES || size > MOST_QUERY_BYTES) return false;
      const taken = Math.min(length - at, LENGTH_BYTES + size - this.#held);
      waiting.set(bytes.subarray(at, at + taken), this.#held);
      this.#held += taken;
      at += taken;
      if (this.#held < LENGTH_BYTES + size) continue;
      this.#held = 0;
      if (!each(waiting.subarray(LENGTH_BYTES, LENGTH_BYTES + size))) return true;
    }
    return true;
  }
}
