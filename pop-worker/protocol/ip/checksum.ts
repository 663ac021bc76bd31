/** Adds the 16-bit words of a byte range; not folded, exact up to 2^53. An odd last byte is the high half of a word. */
export type Sum = (buffer: Uint8Array, start: number, end: number) => number;

/** RFC 1071 §1: the sum that the Internet checksum is the complement of. */
export const sumWords: Sum = (buffer, start, end) => {
  let sum = 0;
  let at = start;
  const even = end - ((end - start) & 1);
  for (; at < even; at += 2) sum += ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
  if (at < end) sum += (buffer[at] as number) << 8;
  return sum;
};

/** Folds carries into 16 bits (one's complement addition). */
export const fold = (sum: number): number => {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return folded;
};

/** The checksum of a range and what was summed before; 0 when a range that contains its checksum is intact. */
export const checksum = (buffer: Uint8Array, start: number, end: number, before = 0): number =>
  ~fold(before + sumWords(buffer, start, end)) & 0xffff;

/** RFC 1624 §3, equation 3: the checksum after one 16-bit word changed. */
export const adjust = (check: number, oldWord: number, newWord: number): number =>
  ~fold((~check & 0xffff) + (~oldWord & 0xffff) + newWord) & 0xffff;

export const readWord = (buffer: Uint8Array, at: number): number =>
  ((buffer[at] as number) << 8) | (buffer[at + 1] as number);

export const writeWord = (buffer: Uint8Array, at: number, word: number): void => {
  buffer[at] = word >>> 8;
  buffer[at + 1] = word;
};

/**
 * Sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1).
 *
 * @param addressesAt where source and destination lie side by side @param addressBytes of both: 8 or 32
 */
export const pseudoHeaderSum = (
  buffer: Uint8Array,
  addressesAt: number,
  addressBytes: number,
  protocol: number,
  length: number,
): number => sumWords(buffer, addressesAt, addressesAt + addressBytes) + protocol + (length >>> 16) + (length & 0xffff);
