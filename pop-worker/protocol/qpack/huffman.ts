import { HUFFMAN_BITS, HUFFMAN_CODES } from './huffman-code.ts';
import { HUFFMAN_STATES, STEP_EMIT, STEP_FAIL } from './huffman-states.ts';

/** Bytes that a string takes in Huffman coding (RFC 7541 §5.2). @param text units 0 to 255 */
export const huffmanBytes = (text: string): number => {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += HUFFMAN_BITS[text.charCodeAt(i)] as number;
  return Math.ceil(bits / 8);
};

/** Writes a string in Huffman coding. @returns the offset behind it */
export const encodeHuffman = (text: string, out: Uint8Array, start: number): number => {
  let at = start;
  // Fewer than 8 bits wait between symbols. A code of up to 24 bits fits on top in 31; longer ones go in two steps.
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    const code = HUFFMAN_CODES[symbol] as number;
    let bits = HUFFMAN_BITS[symbol] as number;
    if (bits > 24) {
      bits -= 16;
      pending = (pending << 16) | (code >>> bits);
      out[at++] = pending >>> (pendingBits + 8);
      out[at++] = pending >>> pendingBits;
    }
    pending = (pending << bits) | (code & ((1 << bits) - 1));
    pendingBits += bits;
    while (pendingBits >= 8) {
      pendingBits -= 8;
      out[at++] = pending >>> pendingBits;
    }
  }
  // RFC 7541 §5.2: padded with the most significant bits of EOS, which are ones.
  if (pendingBits > 0) out[at++] = (pending << (8 - pendingBits)) | (0xff >>> pendingBits);
  return at;
};

/**
 * Decodes Huffman coding into `out` from its beginning.
 *
 * @returns how many bytes were written; -1 when the coding is invalid, -2 when `out` is too small
 */
export const decodeHuffman = (buffer: Uint8Array, start: number, end: number, out: Uint8Array): number => {
  const { next, symbol, step, mayEnd } = HUFFMAN_STATES;
  let state = 0;
  let written = 0;
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const index = (state << 4) | ((byte >>> shift) & 15);
      const what = step[index] as number;
      if (what === STEP_EMIT) {
        if (written === out.length) return -2;
        out[written++] = symbol[index] as number;
      } else if (what === STEP_FAIL) return -1;
      state = next[index] as number;
    }
  }
  return mayEnd[state] === 1 ? written : -1;
};
