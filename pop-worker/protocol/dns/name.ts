import { MOST_LABEL_BYTES, MOST_NAME_BYTES } from './numbers.ts';

/** A name, as zones have it, is none. */
export class NameError extends Error {
  override readonly name = 'NameError';
}

const LETTER_A = 0x41;
const LETTER_Z = 0x5a;
const CASE = 0x20;

/**
 * Writes a name of letters, digits, hyphens and underscores as labels with their lengths (RFC 1035 §3.1).
 *
 * @throws NameError
 */
export const nameOf = (text: string): Uint8Array => {
  const labels = text === '.' ? [] : text.replace(/\.$/, '').split('.');
  const bytes: number[] = [];
  for (const label of labels) {
    if (!/^[A-Za-z0-9_-]+$/.test(label) || label.length > MOST_LABEL_BYTES)
      throw new NameError(`${text} is no domain name`);
    bytes.push(label.length, ...[...label].map((letter) => letter.charCodeAt(0)));
  }
  bytes.push(0);
  if (bytes.length > MOST_NAME_BYTES) throw new NameError(`${text} is longer than ${MOST_NAME_BYTES} bytes`);
  return Uint8Array.from(bytes);
};

/**
 * Where a name that is not compressed ends.
 *
 * @returns -1: it is too long, cut, or compressed, which the first name of a message cannot be
 */
export const endOfName = (bytes: Uint8Array, at: number, end: number): number => {
  let next = at;
  while (next < end) {
    const length = bytes[next] as number;
    next += 1 + length;
    if (length > MOST_LABEL_BYTES || next - at > MOST_NAME_BYTES) return -1;
    if (length === 0) return next;
  }
  return -1;
};

/** Where a name ends that may be compressed and does not matter (RFC 1035 §4.1.4). @returns -1: it is cut */
export const skipName = (bytes: Uint8Array, at: number, end: number): number => {
  let next = at;
  while (next < end) {
    const length = bytes[next] as number;
    if (length >= 0xc0) return next + 2 <= end ? next + 2 : -1;
    if (length > MOST_LABEL_BYTES) return -1;
    next += 1 + length;
    if (length === 0) return next;
  }
  return -1;
};

/** What names are found by: equal for names that differ in case only (RFC 1035 §2.3.3, RFC 4343). */
export const keyOfName = (bytes: Uint8Array, at: number, end: number): string => {
  let key = '';
  for (let i = at; i < end; i++) {
    const byte = bytes[i] as number;
    key += String.fromCharCode(byte >= LETTER_A && byte <= LETTER_Z ? byte | CASE : byte);
  }
  return key;
};

/** Keys of a name and of all names above it, the root last. */
export const keysUpwards = (key: string): string[] => {
  const keys = [key];
  for (let at = 0; key.charCodeAt(at) !== 0; ) {
    at += 1 + key.charCodeAt(at);
    keys.push(key.slice(at));
  }
  return keys;
};
