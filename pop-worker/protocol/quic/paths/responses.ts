const DATA_BYTES = 8;

/** PATH_RESPONSE frames that wait on one path at most: honest peers send a challenge a round trip. */
export const MAX_RESPONSES = 8;

/** What is to be answered on a path: the bytes of each PATH_CHALLENGE, once (RFC 9000 §8.2.2). */
export class PathResponses {
  readonly #data = new Uint8Array(DATA_BYTES * MAX_RESPONSES);
  #count = 0;

  get pending(): boolean {
    return this.#count > 0;
  }

  /** Copies the eight bytes at `start`. @returns `false` when there is no room */
  push(buffer: Uint8Array, start: number): boolean {
    if (this.#count === MAX_RESPONSES) return false;
    this.#data.set(buffer.subarray(start, start + DATA_BYTES), DATA_BYTES * this.#count++);
    return true;
  }

  /** Forgets what waits. @returns how many */
  drop(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** The eight bytes that came last, taken out; valid until the next `push`. Only while `pending`. */
  take(): Uint8Array {
    this.#count--;
    return this.#data.subarray(DATA_BYTES * this.#count, DATA_BYTES * (this.#count + 1));
  }
}
