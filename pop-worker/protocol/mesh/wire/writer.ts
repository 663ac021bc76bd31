const TWO_32 = 2 ** 32;

/** Writes numbers, all big-endian, and bytes into a buffer of its own that grows up to what it is allowed. */
export class Writer {
  readonly #most: number;
  #bytes: Uint8Array;
  #length = 0;

  /** @param most bytes that it may come to: more is a bug (RangeError) */
  constructor(most: number) {
    this.#most = most;
    this.#bytes = new Uint8Array(Math.min(most, 64));
  }

  get length(): number {
    return this.#length;
  }

  #room(bytes: number): number {
    const at = this.#length;
    const need = at + bytes;
    if (need > this.#most) throw new RangeError(`a frame of ${need} bytes, where ${this.#most} are allowed`);
    if (need > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#most, Math.max(need, 2 * this.#bytes.length)));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#length = need;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value & 0xffff);
  }

  /** A whole number from 0 to 2^48 - 1. */
  u48(value: number): this {
    return this.u16(Math.floor(value / TWO_32)).u32(value % TWO_32);
  }

  bytes(value: Uint8Array): this {
    // Making room may give it another buffer.
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
