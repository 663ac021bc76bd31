/**
 * RFC 9204 §4.1.1: integers of up to 62 bits must be understood; what a ninth byte behind the prefix would add beyond
 * 62 bits is refused, and so is a tenth byte, which could only overflow or pad.
 */
const LAST_SHIFT = 56;
const LAST_BYTE = 0x3f;

/** Bytes at most of one prefix integer. */
export const MAX_INTEGER_BYTES = 10;

/** @param flags the bits in front of the prefix @param prefixBits 1 to 8 @returns the offset behind it (RFC 7541 §5.1) */
export const writeInteger = (
  out: Uint8Array,
  start: number,
  flags: number,
  prefixBits: number,
  value: number,
): number => {
  const full = (1 << prefixBits) - 1;
  if (value < full) {
    out[start] = flags | value;
    return start + 1;
  }
  let at = start;
  out[at++] = flags | full;
  let rest = value - full;
  while (rest >= 128) {
    out[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
  return at;
};

/**
 * Reads prefix integers byte by byte, so it serves whole field sections and streams cut anywhere alike. Values above
 * 2^53 come out rounded.
 */
export class IntegerReader {
  value = 0;
  #shift = 0;

  /** @returns true when the first byte is the whole integer */
  begin(firstByte: number, prefixBits: number): boolean {
    const full = (1 << prefixBits) - 1;
    this.value = firstByte & full;
    this.#shift = 0;
    return this.value < full;
  }

  /** @returns 1 when the integer is complete, 0 when more bytes follow, -1 when it is too large */
  push(byte: number): 0 | 1 | -1 {
    if (this.#shift === LAST_SHIFT && byte > LAST_BYTE) return -1;
    this.value += (byte & 127) * 2 ** this.#shift;
    this.#shift += 7;
    return byte < 128 ? 1 : 0;
  }
}
