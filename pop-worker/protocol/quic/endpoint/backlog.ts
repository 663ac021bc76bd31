import { Burst, D_ECN, D_LOCAL, D_REMOTE, ecnOf } from '../../burst.ts';

/** Bytes for each datagram: an Initial packet of a link of 1500 bytes. */
const DATAGRAM_BYTES = 1536;

/** A descriptor of a burst. */
export interface Waiting {
  readonly burst: Burst;
  readonly index: number;
}

/** Datagrams in the order of their coming. */
class Lane {
  #filling: Burst;
  #serving: Burst;
  /** First descriptor of `#serving` that nobody took. */
  #next = 0;

  constructor(datagrams: number) {
    this.#filling = new Burst(datagrams * DATAGRAM_BYTES, datagrams);
    this.#serving = new Burst(datagrams * DATAGRAM_BYTES, datagrams);
  }

  get isEmpty(): boolean {
    return this.#filling.count === 0 && this.#next === this.#serving.count;
  }

  /** More came than are served: a quarter of the room is taken. */
  get isLong(): boolean {
    return 4 * this.#filling.count >= this.#filling.capacity;
  }

  push(buffer: Uint8Array, start: number, end: number, words: Int32Array, base: number): boolean {
    const filling = this.#filling;
    if (!filling.hasRoom(1 + end - start)) return false;
    // With a byte between them datagrams of one client are no run: each is taken by itself.
    filling.used++;
    filling.buffer.set(buffer.subarray(start, end), filling.used);
    filling.commit(end - start, ecnOf(words[base + D_ECN] as number), words, base + D_REMOTE, words, base + D_LOCAL);
    return true;
  }

  take(): Waiting | undefined {
    if (this.#next === this.#serving.count) {
      if (this.#filling.count === 0) return undefined;
      [this.#filling, this.#serving] = [this.#serving, this.#filling];
      this.#filling.clear();
      this.#next = 0;
    }
    return { burst: this.#serving, index: this.#next++ };
  }
}

/**
 * Datagrams of strangers that wait for their turn, bounded: what finds no room is not taken. Those with a token wait in a
 * lane of their own, and both lanes have their turns: who was told by Retry to come back does not stand behind a flood again.
 */
export class Backlog {
  readonly #fresh: Lane;
  readonly #returning: Lane;
  #turn = false;

  /** @param datagrams of a lane, twice: while one half is served the other fills */
  constructor(datagrams: number) {
    this.#fresh = new Lane(datagrams);
    this.#returning = new Lane(datagrams);
  }

  get isEmpty(): boolean {
    return this.#fresh.isEmpty && this.#returning.isEmpty;
  }

  /** More strangers come than can be served. */
  get isLong(): boolean {
    return this.#fresh.isLong || this.#returning.isLong;
  }

  /**
   * Keeps a copy of [start, end).
   *
   * @param returns whether it has a token @param base of its descriptor in `words` @returns false: there is no room
   */
  push(returns: boolean, buffer: Uint8Array, start: number, end: number, words: Int32Array, base: number): boolean {
    return (returns ? this.#returning : this.#fresh).push(buffer, start, end, words, base);
  }

  /** The first that waits; it counts as taken, and its bytes are good until the next call. */
  take(): Waiting | undefined {
    this.#turn = !this.#turn;
    const [first, second] = this.#turn ? [this.#returning, this.#fresh] : [this.#fresh, this.#returning];
    return first.take() ?? second.take();
  }
}
