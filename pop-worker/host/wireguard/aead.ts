import { createCipheriv, createDecipheriv } from 'node:crypto';

const ALGORITHM = 'chacha20-poly1305';
const OPTIONS = { authTagLength: 16 };
const ZERO_NONCE = new Uint8Array(12);
const NOTHING = new Uint8Array(0);

/** ChaCha20-Poly1305 (RFC 8439); nonces of a handshake are zero, for each of its keys seals once. Writes 16 bytes more. */
export const sealInto = (
  key: Uint8Array,
  plain: Uint8Array,
  associated: Uint8Array,
  into: Uint8Array,
  at: number,
  nonce = ZERO_NONCE,
): void => {
  const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS);
  if (associated.length > 0) cipher.setAAD(associated, { plaintextLength: plain.length });
  into.set(cipher.update(plain), at);
  cipher.final();
  into.set(cipher.getAuthTag(), at + plain.length);
};

/** @returns undefined when it is not authentic */
export const open = (
  key: Uint8Array,
  sealed: Uint8Array,
  associated: Uint8Array = NOTHING,
  nonce = ZERO_NONCE,
): Uint8Array | undefined => {
  const length = sealed.length - OPTIONS.authTagLength;
  const cipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
  if (associated.length > 0) cipher.setAAD(associated, { plaintextLength: length });
  cipher.setAuthTag(sealed.subarray(length));
  const plain = cipher.update(sealed.subarray(0, length));
  try {
    cipher.final();
    return plain;
  } catch {
    return undefined;
  }
};
