import { decodeHuffman, encodeHuffman, huffmanBytes } from './huffman.ts';
import { writeInteger } from './integer.ts';

/** String.fromCharCode takes its bytes as arguments, so long strings go in pieces. */
const PIECE = 4096;

/** A plain array of that length is what engines pass on fastest; a typed array's view costs several times as much. */
const toText = (bytes: Uint8Array, start: number, end: number): string => {
  const length = Math.min(end - start, PIECE);
  const units = new Array<number>(length);
  for (let i = 0; i < length; i++) units[i] = bytes[start + i] as number;
  const text = String.fromCharCode.apply(null, units);
  return end - start > PIECE ? text + toText(bytes, start + PIECE, end) : text;
};

/** What became of a string that is none, or longer than allowed. */
export const INVALID_HUFFMAN = -1;
export const TOO_LONG = -2;

/**
 * The content of a string literal (RFC 9204 §4.1.2).
 *
 * @param limit bytes it may have, at most those of `scratch`, where Huffman coding is decoded
 */
export const readString = (
  buffer: Uint8Array,
  start: number,
  end: number,
  huffman: boolean,
  limit: number,
  scratch: Uint8Array,
): string | typeof INVALID_HUFFMAN | typeof TOO_LONG => {
  if (!huffman) return end - start > limit ? TOO_LONG : toText(buffer, start, end);
  const written = decodeHuffman(buffer, start, end, scratch);
  if (written === INVALID_HUFFMAN) return INVALID_HUFFMAN;
  return written === TOO_LONG || written > limit ? TOO_LONG : toText(scratch, 0, written);
};

/**
 * Writes a string literal (RFC 9204 §4.1.2), Huffman coded only where that is shorter.
 *
 * @param huffman the H flag in its place; the length's prefix is what lies below it
 * @returns the offset behind it
 */
export const writeString = (out: Uint8Array, at: number, flags: number, huffman: number, text: string): number => {
  const prefixBits = 31 - Math.clz32(huffman);
  const coded = huffmanBytes(text);
  if (coded < text.length) return encodeHuffman(text, out, writeInteger(out, at, flags | huffman, prefixBits, coded));
  let to = writeInteger(out, at, flags, prefixBits, text.length);
  for (let i = 0; i < text.length; i++) out[to++] = text.charCodeAt(i);
  return to;
};
