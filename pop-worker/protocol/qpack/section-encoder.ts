import type { Field, Fields } from './field.ts';
import { MAX_INTEGER_BYTES, writeInteger } from './integer.ts';
import { STATIC_NAMES } from './static-table.ts';
import { writeString } from './strings.ts';

/** Bytes that a field section takes at most; a string is Huffman coded only where that is shorter. */
export const fieldSectionBound = (fields: Fields): number => {
  let bound = 2 * MAX_INTEGER_BYTES;
  for (const { name, value } of fields) bound += name.length + value.length + 2 * MAX_INTEGER_BYTES;
  return bound;
};

/** RFC 9204 §7.1.3: a value shorter than this can be guessed. */
const GUESSABLE_COOKIE = 20;

/**
 * Fields that are never put into a table, and that nobody who forwards them may (RFC 9204 §7.1.3): those of which their
 * owner says so, credentials, and cookies short enough to be guessed.
 */
export const isNeverIndexed = ({ name, value, sensitive }: Field): boolean => {
  if (sensitive === true) return true;
  switch (name) {
    case 'authorization':
    case 'proxy-authorization':
    case 'set-cookie':
      return true;
    case 'cookie':
      return value.length < GUESSABLE_COOKIE;
    default:
      return false;
  }
};

/** The index in the static table of the field; -1 when it is not there as a whole. */
export const staticIndex = (name: string, value: string): number => STATIC_NAMES.get(name)?.values.get(value) ?? -1;

/** The index in the static table of a field of that name, -1 when there is none. */
export const staticNameIndex = (name: string): number => STATIC_NAMES.get(name)?.first ?? -1;

/** Writes a field line without the dynamic table. @param never the N bit @returns the offset behind it */
export const writeStaticLine = (out: Uint8Array, at: number, { name, value }: Field, never: boolean): number => {
  const known = STATIC_NAMES.get(name);
  // RFC 9204 §4.5.6: 001NH, name with 3-bit prefix, value with 7-bit prefix.
  if (known === undefined)
    return writeString(out, writeString(out, at, never ? 0x30 : 0x20, 0x08, name), 0, 0x80, value);
  const index = never ? undefined : known.values.get(value);
  // RFC 9204 §4.5.2: 11, index into the static table with 6-bit prefix.
  if (index !== undefined) return writeInteger(out, at, 0xc0, 6, index);
  // RFC 9204 §4.5.4: 01N1, index of the name with 4-bit prefix.
  return writeString(out, writeInteger(out, at, never ? 0x70 : 0x50, 4, known.first), 0, 0x80, value);
};

/**
 * Encodes a field section with the static table only, so that it never waits for another stream (RFC 9204 §2.1.2).
 *
 * @param out at least `fieldSectionBound(fields)` bytes from `at` on
 * @returns the offset behind the section
 */
export const encodeFieldSection = (fields: Fields, out: Uint8Array, at: number): number => {
  // RFC 9204 §4.5.1: Required Insert Count and Base are 0.
  out[at] = 0;
  out[at + 1] = 0;
  let to = at + 2;
  for (const field of fields) to = writeStaticLine(out, to, field, isNeverIndexed(field));
  return to;
};
