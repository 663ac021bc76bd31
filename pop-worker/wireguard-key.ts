import { copySecret, newSecret } from '#protocol/secret.ts';

const KEY_BYTES = 32;
const DIGITS = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (digit) =>
  digit.charCodeAt(0),
);
const EQUALS = 61;
const SPACE = 32;
/** 43 digits and a `=`. */
const TEXT_BYTES = 44;

/**
 * A key as `wg` writes it, spaces around it. No text is made of it, for text cannot be wiped.
 *
 * @returns its 32 bytes; undefined: it is no key in base64
 */
export const keyOfBytes = (bytes: Uint8Array): Uint8Array | undefined => {
  let [at, end] = [0, bytes.length];
  while (at < end && (bytes[at] as number) <= SPACE) at++;
  while (end > at && (bytes[end - 1] as number) <= SPACE) end--;
  if (end - at !== TEXT_BYTES || bytes[end - 1] !== EQUALS) return undefined;
  const key = newSecret(KEY_BYTES);
  let isKey = true;
  for (let [held, bits, i] = [0, 0, 0]; at < end - 1; at++) {
    const digit = DIGITS.indexOf(bytes[at] as number);
    if (digit < 0) isKey = false;
    held = ((held << 6) | (digit & 63)) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    key[i++] = held >>> bits;
    // Two bits are left in the end, and are nothing.
    if (i === KEY_BYTES && (held & 3) !== 0) isKey = false;
  }
  if (isKey) return key;
  key.fill(0);
  return undefined;
};

/** @param text as `wg` writes keys @returns its 32 bytes; undefined: it is no key in base64 */
export const keyOfText = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, 'base64');
  const isKey = bytes.length === KEY_BYTES && bytes.toString('base64') === text;
  const key = isKey ? copySecret(bytes) : undefined;
  bytes.fill(0);
  return key;
};
