/** SipHash-2-4 (Aumasson and Bernstein), in halves of 32 bits. */

export const SIPHASH_KEY_BYTES = 16;

const COMPRESSION_ROUNDS = 2;
const FINAL_ROUNDS = 4;

/** `v0` to `v3`, low half before high half. */
type State = Int32Array;

const add = (v: State, a: number, b: number): void => {
  const low = ((v[a] as number) >>> 0) + ((v[b] as number) >>> 0);
  v[a + 1] = (v[a + 1] as number) + (v[b + 1] as number) + (low > 0xffff_ffff ? 1 : 0);
  v[a] = low;
};

/** Rotates `b` left by less than 32 bits, then adds `a` to it without carry. */
const rotateAndMix = (v: State, b: number, bits: number, a: number): void => {
  const [low, high] = [v[b] as number, v[b + 1] as number];
  v[b] = ((low << bits) | (high >>> (32 - bits))) ^ (v[a] as number);
  v[b + 1] = ((high << bits) | (low >>> (32 - bits))) ^ (v[a + 1] as number);
};

const swapHalves = (v: State, a: number): void => {
  const low = v[a] as number;
  v[a] = v[a + 1] as number;
  v[a + 1] = low;
};

const rounds = (v: State, count: number): void => {
  for (let i = 0; i < count; i++) {
    add(v, 0, 2);
    rotateAndMix(v, 2, 13, 0);
    swapHalves(v, 0);
    add(v, 4, 6);
    rotateAndMix(v, 6, 16, 4);
    add(v, 0, 6);
    rotateAndMix(v, 6, 21, 0);
    add(v, 4, 2);
    rotateAndMix(v, 2, 17, 4);
    swapHalves(v, 4);
  }
};

const word = (bytes: Uint8Array, at: number, end: number): number => {
  let value = 0;
  for (let i = 0; i < 4 && at + i < end; i++) value |= (bytes[at + i] as number) << (8 * i);
  return value;
};

const absorb = (v: State, low: number, high: number): void => {
  v[6] = (v[6] as number) ^ low;
  v[7] = (v[7] as number) ^ high;
  rounds(v, COMPRESSION_ROUNDS);
  v[0] = (v[0] as number) ^ low;
  v[1] = (v[1] as number) ^ high;
};

const STATE = new Int32Array(8);
/** "somepseudorandomlygeneratedbytes", little-endian. */
const START = Int32Array.of(
  ...[0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462],
);

/** @param key 16 bytes @param out gets 8 bytes at `outAt` */
export const sipHash = (key: Uint8Array, bytes: Uint8Array, length: number, out: Uint8Array, outAt: number): void => {
  const v = STATE;
  for (let i = 0; i < 8; i++) v[i] = (START[i] as number) ^ word(key, (i & 3) * 4, SIPHASH_KEY_BYTES);
  const whole = length - (length % 8);
  for (let at = 0; at < whole; at += 8) absorb(v, word(bytes, at, length), word(bytes, at + 4, length));
  absorb(v, word(bytes, whole, length), word(bytes, whole + 4, length) | (length << 24));
  v[4] = (v[4] as number) ^ 0xff;
  rounds(v, FINAL_ROUNDS);
  for (let half = 0; half < 2; half++) {
    const value = (v[half] as number) ^ (v[2 + half] as number) ^ (v[4 + half] as number) ^ (v[6 + half] as number);
    for (let i = 0; i < 4; i++) out[outAt + half * 4 + i] = value >>> (8 * i);
  }
};
