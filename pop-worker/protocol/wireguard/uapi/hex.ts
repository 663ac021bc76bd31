import { newSecret } from '../../secret.ts';

export const KEY_BYTES = 32;

const digit = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
};

/** A key of 64 hexadecimal digits in [at, end). No text is made of it, for text cannot be wiped. @returns undefined: it is none */
export const readKey = (bytes: Uint8Array, at: number, end: number): Uint8Array | undefined => {
  if (end - at !== 2 * KEY_BYTES) return undefined;
  const key = newSecret(KEY_BYTES);
  for (let i = 0; i < KEY_BYTES; i++) {
    const high = digit(bytes[at + 2 * i] as number);
    const low = digit(bytes[at + 2 * i + 1] as number);
    if (high < 0 || low < 0) {
      key.fill(0);
      return undefined;
    }
    key[i] = 16 * high + low;
  }
  return key;
};

export const hexOf = (key: Uint8Array): string => {
  let text = '';
  for (const byte of key) text += byte.toString(16).padStart(2, '0');
  return text;
};
