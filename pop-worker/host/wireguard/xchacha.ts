import { createCipheriv, createDecipheriv } from 'node:crypto';

const CONSTANTS = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
const TAG_BYTES = 16;

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

const quarter = (s: Uint32Array, a: number, b: number, c: number, d: number): void => {
  s[a] = (s[a] as number) + (s[b] as number);
  s[d] = rotate((s[d] as number) ^ (s[a] as number), 16);
  s[c] = (s[c] as number) + (s[d] as number);
  s[b] = rotate((s[b] as number) ^ (s[c] as number), 12);
  s[a] = (s[a] as number) + (s[b] as number);
  s[d] = rotate((s[d] as number) ^ (s[a] as number), 8);
  s[c] = (s[c] as number) + (s[d] as number);
  s[b] = rotate((s[b] as number) ^ (s[c] as number), 7);
};

/** HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2): a key of 32 bytes from a key and 16 bytes of nonce. */
export const hchacha20 = (key: Uint8Array, nonce: Uint8Array): Uint8Array => {
  const s = new Uint32Array(16);
  const word = (bytes: Uint8Array, i: number): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(4 * i, true);
  s.set(CONSTANTS);
  for (let i = 0; i < 8; i++) s[4 + i] = word(key, i);
  for (let i = 0; i < 4; i++) s[12 + i] = word(nonce, i);
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(s, i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) quarter(s, i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3));
  }
  const derived = new Uint8Array(32);
  const view = new DataView(derived.buffer);
  for (let i = 0; i < 4; i++) {
    view.setUint32(4 * i, s[i] as number, true);
    view.setUint32(16 + 4 * i, s[12 + i] as number, true);
  }
  s.fill(0);
  return derived;
};

const parts = (key: Uint8Array, nonce: Uint8Array): { derived: Uint8Array; inner: Uint8Array } => {
  const inner = new Uint8Array(12);
  inner.set(nonce.subarray(16, 24), 4);
  return { derived: hchacha20(key, nonce.subarray(0, 16)), inner };
};

/** XChaCha20-Poly1305. @param nonce 24 bytes @returns what was sealed, and 16 bytes of tag */
export const sealX = (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, associated: Uint8Array): Uint8Array => {
  const { derived, inner } = parts(key, nonce);
  const cipher = createCipheriv('chacha20-poly1305', derived, inner, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated, { plaintextLength: plain.length });
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  derived.fill(0);
  return sealed;
};

/** @returns undefined when it is not authentic */
export const openX = (
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  associated: Uint8Array,
): Uint8Array | undefined => {
  const { derived, inner } = parts(key, nonce);
  const length = sealed.length - TAG_BYTES;
  const cipher = createDecipheriv('chacha20-poly1305', derived, inner, { authTagLength: TAG_BYTES });
  derived.fill(0);
  cipher.setAAD(associated, { plaintextLength: length });
  cipher.setAuthTag(sealed.subarray(length));
  const plain = cipher.update(sealed.subarray(0, length));
  try {
    cipher.final();
    return plain;
  } catch {
    return undefined;
  }
};
