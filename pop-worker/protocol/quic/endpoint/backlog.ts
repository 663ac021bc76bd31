import { Burst, D_ECN, D_LOCAL, D_REMOTE } from '../../burst.ts';

/** Bytes for each datagram: an Initial packet of a link of 1500 bytes. */
const DATAGRAM_BYTES = 1536;

/** Datagrams of strangers that wait for their turn: in order, bounded; what finds no room is not taken. */
export class Backlog {
  #filling: Burst;
  #serving: Burst;
  /** First descriptor of `#serving` that nobody took. */
  #next = 0;

  /** @param datagrams how many wait at most, twice: while one half is served the other fills */
  constructor(datagrams: number) {
    this.#filling = new Burst(datagrams * DATAGRAM_BYTES, datagrams);
    this.#serving = new Burst(datagrams * DATAGRAM_BYTES, datagrams);
  }

  /** A quarter of the room is taken: more come than can be served. */
  get isLong(): boolean {
    return 4 * this.#filling.count >= this.#filling.capacity;
  }

  get isEmpty(): boolean {
    return this.#filling.count === 0 && this.#next === this.#serving.count;
  }

  /** Keeps a copy of [start, end). @param base of its descriptor in `words` @returns false: there is no room */
  push(buffer: Uint8Array, start: number, end: number, words: Int32Array, base: number): boolean {
    const filling = this.#filling;
    if (!filling.hasRoom(1 + end - start)) return false;
    // With a byte between them datagrams of one client are no run: each is taken by itself.
    filling.used++;
    filling.buffer.set(buffer.subarray(start, end), filling.used);
    filling.commit(end - start, words[base + D_ECN] as number, words, base + D_REMOTE, words, base + D_LOCAL);
    return true;
  }

  /** The burst that is served now, and which of its descriptors is next; that one counts as taken. Undefined: none waits. */
  take(): { readonly burst: Burst; readonly index: number } | undefined {
    if (this.#next === this.#serving.count) {
      if (this.#filling.count === 0) return undefined;
      [this.#filling, this.#serving] = [this.#serving, this.#filling];
      this.#filling.clear();
      this.#next = 0;
    }
    return { burst: this.#serving, index: this.#next++ };
  }
}
