/** Symbols 0 to 255 are bytes, 256 ends a string and must never be seen whole (RFC 7541 §5.2). */
export const EOS = 256;

/**
 * Bits of each symbol's code, EOS last (RFC 7541 Appendix B). The code is canonical: codes of one length are
 * consecutive in the order of their symbols, shorter ones come first. So the lengths say everything.
 */
export const HUFFMAN_BITS = Uint8Array.of(
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  30,
);

const LONGEST = 30;

const assignCodes = (): Uint32Array => {
  const codes = new Uint32Array(HUFFMAN_BITS.length);
  let code = 0;
  for (let bits = 1; bits <= LONGEST; bits++) {
    code *= 2;
    for (let symbol = 0; symbol < codes.length; symbol++) {
      if (HUFFMAN_BITS[symbol] === bits) codes[symbol] = code++;
    }
  }
  return codes;
};

/** The code of each symbol, aligned to its least significant bit. */
export const HUFFMAN_CODES: Uint32Array = assignCodes();
