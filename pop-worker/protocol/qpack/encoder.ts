import type { Field, Fields } from './field.ts';
import { encodeHuffman, huffmanBytes } from './huffman.ts';
import { MAX_INTEGER_BYTES, writeInteger } from './integer.ts';
import { STATIC_NAMES } from './static-table.ts';

/** Bytes that `encodeFieldSection` writes at most; a string is Huffman coded only where that is shorter. */
export const fieldSectionBound = (fields: Fields): number => {
  let bound = 2;
  for (const { name, value } of fields) bound += name.length + value.length + 2 * MAX_INTEGER_BYTES;
  return bound;
};

/** A string literal (RFC 9204 §4.1.2). @param huffman the H flag in its place; the prefix is what lies below it */
const writeString = (out: Uint8Array, at: number, flags: number, huffman: number, text: string): number => {
  const prefixBits = 31 - Math.clz32(huffman);
  const coded = huffmanBytes(text);
  if (coded < text.length) return encodeHuffman(text, out, writeInteger(out, at, flags | huffman, prefixBits, coded));
  let to = writeInteger(out, at, flags, prefixBits, text.length);
  for (let i = 0; i < text.length; i++) out[to++] = text.charCodeAt(i);
  return to;
};

const writeField = (out: Uint8Array, at: number, field: Field): number => {
  const known = STATIC_NAMES.get(field.name);
  const never = field.sensitive === true;
  if (known === undefined) {
    // RFC 9204 §4.5.6: 001NH, name with 3-bit prefix, value with 7-bit prefix.
    return writeString(out, writeString(out, at, never ? 0x30 : 0x20, 0x08, field.name), 0, 0x80, field.value);
  }
  const index = never ? undefined : known.values.get(field.value);
  // RFC 9204 §4.5.2: 11, index into the static table with 6-bit prefix.
  if (index !== undefined) return writeInteger(out, at, 0xc0, 6, index);
  // RFC 9204 §4.5.4: 01N1, index of the name with 4-bit prefix.
  return writeString(out, writeInteger(out, at, never ? 0x70 : 0x50, 4, known.first), 0, 0x80, field.value);
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
  for (const field of fields) to = writeField(out, to, field);
  return to;
};
