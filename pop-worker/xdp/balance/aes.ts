/** What the program needs of AES-128 for the way back of one block (FIPS 197): computed here, so that no table is written by hand. */
import { AesTables } from '../gen/front.ts';

const ROUNDS = 10;
const POLYNOMIAL = 0x11b;

/** In the field of AES (FIPS 197 §4.2). */
const product = (a: number, b: number): number => {
  let sum = 0;
  for (let bit = 0, power = a; bit < 8; bit++) {
    if ((b >> bit) & 1) sum ^= power;
    power <<= 1;
    if (power & 0x100) power ^= POLYNOMIAL;
  }
  return sum;
};

const rotl8 = (byte: number, bits: number): number => ((byte << bits) | (byte >> (8 - bits))) & 255;

/** FIPS 197 §5.1.1: the inverse in the field, then an affine map. */
const S_BOX = Uint8Array.from({ length: 256 }, (_, byte) => {
  let inverse = 0;
  for (let other = 1; other < 256 && byte !== 0; other++) if (product(byte, other) === 1) inverse = other;
  return inverse ^ rotl8(inverse, 1) ^ rotl8(inverse, 2) ^ rotl8(inverse, 3) ^ rotl8(inverse, 4) ^ 0x63;
});

const INVERSE_S_BOX = new Uint8Array(256);
for (const [byte, image] of S_BOX.entries()) INVERSE_S_BOX[image] = byte;

/** Column of InvMixColumns (FIPS 197 §5.3.3). */
const COLUMN = [0x0e, 0x09, 0x0d, 0x0b] as const;

/** @returns an element of `aes_tables` */
export const aesTables = (): Uint8Array => {
  const mixed = Uint8Array.from({ length: 1024 }, (_, i) =>
    product(INVERSE_S_BOX[i >> 2] as number, COLUMN[i & 3] as number),
  );
  return AesTables.encode({ mixed, plain: INVERSE_S_BOX });
};

/** FIPS 197 §5.2. @returns 176 bytes, of encryption */
const expanded = (key: Uint8Array): Uint8Array => {
  const out = new Uint8Array(16 * (ROUNDS + 1));
  out.set(key);
  for (let at = 16, constant = 1; at < out.length; at += 4) {
    let word = [...out.subarray(at - 4, at)];
    if (at % 16 === 0) {
      word = [1, 2, 3, 0].map((i) => S_BOX[word[i] as number] as number);
      word[0] = (word[0] as number) ^ constant;
      constant = product(constant, 2);
    }
    for (let i = 0; i < 4; i++) out[at + i] = (out[at + i - 16] as number) ^ (word[i] as number);
  }
  return out;
};

const unmixed = (column: Uint8Array): number[] =>
  [0, 1, 2, 3].map((row) =>
    column.reduce((sum, byte, i) => sum ^ product(byte, COLUMN[(row - i + 4) % 4] as number), 0),
  );

/** @param key 16 bytes @returns keys of the equivalent inverse cipher (FIPS 197 §5.3.5), in the order in which they are used */
export const decryptionKeys = (key: Uint8Array): Uint8Array => {
  const forth = expanded(key);
  const back = new Uint8Array(forth.length);
  for (let round = 0; round <= ROUNDS; round++) {
    for (let column = 0; column < 4; column++) {
      const from = 16 * (ROUNDS - round) + 4 * column;
      const bytes = forth.subarray(from, from + 4);
      back.set(round === 0 || round === ROUNDS ? bytes : unmixed(bytes), 16 * round + 4 * column);
    }
  }
  return back;
};
