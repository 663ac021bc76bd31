/**
 * A transport address as six 32-bit words, so that it fits a packet descriptor and is compared without allocation.
 *
 * - word 0: address family (4 or 6) in the low 16 bits, UDP port in the high 16 bits
 * - word 1: IPv6 scope or interface index, 0 when there is none
 * - words 2 to 5: the address in network order, as it lies in memory; IPv4 uses word 2 only
 */
export const ADDRESS_WORDS = 6;

export type AddressWords = Int32Array;

export const sameAddress = (a: Int32Array, aAt: number, b: Int32Array, bAt: number): boolean =>
  a[aAt] === b[bAt] &&
  a[aAt + 2] === b[bAt + 2] &&
  a[aAt + 3] === b[bAt + 3] &&
  a[aAt + 4] === b[bAt + 4] &&
  a[aAt + 5] === b[bAt + 5] &&
  a[aAt + 1] === b[bAt + 1];

/** True when only the port differs, as after a NAT rebinding (RFC 9000 §9.3.1). */
export const sameHost = (a: Int32Array, aAt: number, b: Int32Array, bAt: number): boolean =>
  ((a[aAt] ?? 0) & 0xffff) === ((b[bAt] ?? 0) & 0xffff) &&
  a[aAt + 2] === b[bAt + 2] &&
  a[aAt + 3] === b[bAt + 3] &&
  a[aAt + 4] === b[bAt + 4] &&
  a[aAt + 5] === b[bAt + 5];

export const addressFamily = (words: Int32Array, at = 0): 4 | 6 => (((words[at] ?? 0) & 0xffff) === 6 ? 6 : 4);

export const addressPort = (words: Int32Array, at = 0): number => (words[at] ?? 0) >>> 16;
