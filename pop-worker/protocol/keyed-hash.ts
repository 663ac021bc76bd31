/**
 * What places things in hash tables depends on a secret, so that no neighbour can choose prefixes, attributes or sessions that all
 * fall on one place. It is HalfSipHash with one round a word and three at the end (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF"), on whole words, and without the length, which callers hash where it matters.
 */
export interface HashKey {
  readonly k0: number;
  readonly k1: number;
}

const C2 = 0x6c79_6765;
const C3 = 0x7465_6462;

/** Of words [start, end). @returns 32 bits, with sign */
export const hashWords = (words: Int32Array, start: number, end: number, { k0, k1 }: HashKey): number => {
  let v0 = k0 | 0;
  let v1 = k1 | 0;
  let v2 = k0 ^ C2;
  let v3 = k1 ^ C3;
  let rounds = end - start;
  for (let at = start; rounds > -3; at++, rounds--) {
    const word = rounds > 0 ? (words[at] as number) : 0;
    if (rounds === 0) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
};
