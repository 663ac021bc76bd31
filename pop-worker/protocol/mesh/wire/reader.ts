import { frameError } from '../errors.ts';

const TWO_32 = 2 ** 32;
const TWO_16 = 2 ** 16;

/** Reads numbers, all big-endian, and bytes of one frame. What is not there, or too much, is a `MeshError`. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw frameError(`a frame ends ${bytes - (this.#end - at)} bytes too early`);
    this.#at += bytes;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u32(): number {
    return this.u16() * TWO_16 + this.u16();
  }

  /** Up to 2^48 - 1. */
  u48(): number {
    return this.u16() * TWO_32 + this.u32();
  }

  /** A view, lent as the frame is. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** @throws MeshError when something is left of the frame */
  done(): void {
    if (this.left > 0) throw frameError(`a frame has ${this.left} bytes too many`);
  }
}
