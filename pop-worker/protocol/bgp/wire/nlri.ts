import { u32At, writeU32 } from './bytes.ts';

/** Path identifier of prefixes that carry none (RFC 7911 §3 gives those that do four bytes of any value). */
export const NO_PATH_ID = 0;

/**
 * Whether a field of prefixes is well formed (RFC 7606 §5.3): each length fits its family, and the last prefix ends where
 * the field does.
 *
 * @param bits of an address of the family: 32 or 128
 * @param hasPathIds each prefix has its path identifier before it (RFC 7911 §3)
 */
export const arePrefixes = (
  buffer: Uint8Array,
  start: number,
  end: number,
  bits: number,
  hasPathIds: boolean,
): boolean => {
  const head = hasPathIds ? 4 : 0;
  let at = start;
  while (at < end) {
    at += head;
    if (at >= end) return false;
    const length = buffer[at] as number;
    if (length > bits) return false;
    at += 1 + ((length + 7) >>> 3);
  }
  return at === end;
};

/** Reads prefixes in place, of a field that `arePrefixes` has passed. Reused: `next` overwrites all of it. */
export class PrefixCursor {
  /** The address in words, network order, IPv4 in the first; bits past the length are zero (RFC 4271 §4.3). */
  readonly address = new Uint32Array(4);
  length = 0;
  pathId: number = NO_PATH_ID;
  #buffer: Uint8Array = NOTHING;
  #at = 0;
  #end = 0;
  #hasPathIds = false;

  reset(buffer: Uint8Array, start: number, end: number, hasPathIds: boolean): this {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    this.#hasPathIds = hasPathIds;
    this.pathId = NO_PATH_ID;
    return this;
  }

  /** @returns whether there was one more */
  next(): boolean {
    let at = this.#at;
    if (at >= this.#end) return false;
    const buffer = this.#buffer;
    if (this.#hasPathIds) {
      this.pathId = u32At(buffer, at);
      at += 4;
    }
    const length = buffer[at++] as number;
    this.length = length;
    if (length <= 32) {
      // The usual case: one word.
      this.address[0] = length === 0 ? 0 : firstWord(buffer, at, length) & (~0 << (32 - length));
      this.address[1] = 0;
      this.address[2] = 0;
      this.address[3] = 0;
      this.#at = at + ((length + 7) >>> 3);
      return true;
    }
    this.#at = this.#long(at, length);
    return true;
  }

  #long(from: number, length: number): number {
    const buffer = this.#buffer;
    const end = from + ((length + 7) >>> 3);
    let at = from;
    for (let word = 0; word < 4; word++) {
      let value = 0;
      for (let i = 0; i < 4; i++) value = (value << 8) | (at < end ? (buffer[at++] as number) : 0);
      const left = length - word * 32;
      this.address[word] = left >= 32 ? value : left <= 0 ? 0 : value & (~0 << (32 - left));
    }
    return end;
  }
}

/** Of 1 to 32 bits, of which the bytes are there; what is past the length is anything. */
const firstWord = (buffer: Uint8Array, at: number, length: number): number => {
  let word = (buffer[at] as number) << 24;
  if (length > 8) word |= (buffer[at + 1] as number) << 16;
  if (length > 16) word |= (buffer[at + 2] as number) << 8;
  if (length > 24) word |= buffer[at + 3] as number;
  return word;
};

/** @returns bytes of a prefix as `writePrefix` writes it */
export const prefixBytes = (length: number, hasPathId: boolean): number => (hasPathId ? 5 : 1) + ((length + 7) >>> 3);

/**
 * Writes a prefix for which there is room.
 *
 * @param address words, of which bits past the length are zero
 * @returns the offset behind it
 */
export const writePrefix = (
  buffer: Uint8Array,
  at: number,
  address: Uint32Array,
  length: number,
  hasPathId: boolean,
  pathId: number,
): number => {
  let next = hasPathId ? writeU32(buffer, at, pathId) : at;
  buffer[next++] = length;
  const bytes = (length + 7) >>> 3;
  for (let i = 0; i < bytes; i++) buffer[next++] = (address[i >>> 2] as number) >>> (24 - 8 * (i & 3));
  return next;
};

const NOTHING = new Uint8Array(0);
