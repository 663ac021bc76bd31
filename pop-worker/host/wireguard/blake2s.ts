/** BLAKE2s (RFC 7693). Node's own has no key and no other length than 32 bytes, and makes an object for each message. */
const IV = Uint32Array.of(
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
);
const BLOCK = 64;

const SIGMA = Uint8Array.of(
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  ...[14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  ...[11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  ...[7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  ...[9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  ...[2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  ...[12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  ...[13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  ...[6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  ...[10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
);

const state = new Uint32Array(8);
const work = new Uint32Array(16);
const words = new Uint32Array(16);
const block = new Uint8Array(BLOCK);

const mix = (a: number, b: number, c: number, d: number, x: number, y: number): void => {
  let va = ((work[a] as number) + (work[b] as number) + x) | 0;
  let vd = (work[d] as number) ^ va;
  vd = (vd >>> 16) | (vd << 16);
  let vc = ((work[c] as number) + vd) | 0;
  let vb = (work[b] as number) ^ vc;
  vb = (vb >>> 12) | (vb << 20);
  va = (va + vb + y) | 0;
  vd ^= va;
  vd = (vd >>> 8) | (vd << 24);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb >>> 7) | (vb << 25);
  work[a] = va;
  work[b] = vb;
  work[c] = vc;
  work[d] = vd;
};

const compress = (bytes: Uint8Array, at: number, counted: number, isLast: boolean): void => {
  for (let i = 0; i < 16; i++) {
    const from = at + 4 * i;
    words[i] =
      (bytes[from] as number) |
      ((bytes[from + 1] as number) << 8) |
      ((bytes[from + 2] as number) << 16) |
      ((bytes[from + 3] as number) << 24);
  }
  work.set(state);
  work.set(IV, 8);
  work[12] = (work[12] as number) ^ counted;
  if (isLast) work[14] = ~(work[14] as number);
  for (let round = 0; round < 10; round++) {
    const word = (i: number): number => words[SIGMA[16 * round + i] as number] as number;
    mix(0, 4, 8, 12, word(0), word(1));
    mix(1, 5, 9, 13, word(2), word(3));
    mix(2, 6, 10, 14, word(4), word(5));
    mix(3, 7, 11, 15, word(6), word(7));
    mix(0, 5, 10, 15, word(8), word(9));
    mix(1, 6, 11, 12, word(10), word(11));
    mix(2, 7, 8, 13, word(12), word(13));
    mix(3, 4, 9, 14, word(14), word(15));
  }
  for (let i = 0; i < 8; i++) {
    state[i] = (state[i] as number) ^ (work[i] as number) ^ (work[i + 8] as number);
  }
};

/**
 * Writes `outputBytes` (1 to 32) of hash, which are not those of a longer one cut off.
 *
 * @param key up to 32 bytes; none: a plain hash
 * @param length less than 2^32 - 64
 */
export const blake2s = (
  key: Uint8Array | undefined,
  bytes: Uint8Array,
  at: number,
  length: number,
  into: Uint8Array,
  intoAt: number,
  outputBytes: number,
): void => {
  const keyBytes = key?.length ?? 0;
  state.set(IV);
  state[0] = (state[0] as number) ^ 0x0101_0000 ^ (keyBytes << 8) ^ outputBytes;
  let counted = 0;
  if (key !== undefined && keyBytes > 0) {
    block.fill(0);
    block.set(key);
    counted = BLOCK;
    compress(block, 0, counted, length === 0);
  }
  let from = at;
  const end = at + length;
  for (; end - from > BLOCK; from += BLOCK) {
    counted += BLOCK;
    compress(bytes, from, counted, false);
  }
  if (length > 0 || keyBytes === 0) {
    block.fill(0);
    for (let i = from; i < end; i++) block[i - from] = bytes[i] as number;
    compress(block, 0, counted + end - from, true);
  }
  for (let i = 0; i < outputBytes; i++) into[intoAt + i] = (state[i >>> 2] as number) >>> (8 * (i & 3));
  // The last block may have been a key.
  block.fill(0);
  words.fill(0);
  work.fill(0);
  state.fill(0);
};
