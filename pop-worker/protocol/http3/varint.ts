/** Reads variable-length integers byte by byte, cut anywhere. Values above 2^53 come out rounded. */
export class VarintReader {
  value = 0;
  #missing = 0;

  /** In the middle of one. */
  get pending(): boolean {
    return this.#missing > 0;
  }

  /** @returns true when the integer is complete, in `value` */
  push(byte: number): boolean {
    if (this.#missing === 0) {
      this.value = byte & 0x3f;
      this.#missing = (1 << (byte >>> 6)) - 1;
    } else {
      this.value = this.value * 256 + byte;
      this.#missing--;
    }
    return this.#missing === 0;
  }
}

/** A cursor over a payload that is there as a whole. */
export class PayloadReader {
  readonly #buffer: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(buffer: Uint8Array, start: number, end: number) {
    this.#buffer = buffer;
    this.at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.at;
  }

  /** @returns -1 when it is cut off */
  byte(): number {
    return this.at < this.#end ? (this.#buffer[this.at++] as number) : -1;
  }

  /** @returns -1 when it is cut off; above 2^53 rounded */
  varint(): number {
    const first = this.byte();
    if (first < 0) return -1;
    const more = (1 << (first >>> 6)) - 1;
    if (more > this.remaining) return -1;
    let value = first & 0x3f;
    for (let i = 0; i < more; i++) value = value * 256 + (this.#buffer[this.at++] as number);
    return value;
  }

  /** @returns a view, or undefined when that many are not there */
  bytes(count: number): Uint8Array | undefined {
    if (count > this.remaining) return undefined;
    this.at += count;
    return this.#buffer.subarray(this.at - count, this.at);
  }
}
