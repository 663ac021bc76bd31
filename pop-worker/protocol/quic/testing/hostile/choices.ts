/** Decisions drawn from bytes: the same bytes, the same decisions; at their end, always the first choice. */
export class Choices {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes that have not decided anything yet. */
  get left(): number {
    return Math.max(0, this.#bytes.length - this.#at);
  }

  byte(): number {
    return this.#at < this.#bytes.length ? (this.#bytes[this.#at++] as number) : 0;
  }

  /** From 0 to n - 1; n at most 256. */
  below(n: number): number {
    return this.byte() % n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** The next n bytes, to be decided by more than once. */
  take(n: number): Uint8Array {
    const taken = this.#bytes.slice(this.#at, this.#at + n);
    this.#at += n;
    return taken;
  }

  /** n bytes that cost one. */
  bytes(n: number): Uint8Array {
    const first = this.byte();
    return Uint8Array.from({ length: n }, (_, i) => first + 37 * i);
  }
}
