import { localError, TransportError } from '../errors.ts';

/**
 * Variable-length integers (RFC 9000 §16): 1, 2, 4 or 8 bytes, up to 2^62-1. Values are plain numbers, exact up to
 * 2^53-1. Writers trust their caller for room: who packs asks for the length first.
 */

/** First value that no variable-length integer can hold. */
export const VARINT_END = 2 ** 62;

/** @returns bytes of the shortest encoding: 1, 2, 4 or 8 */
export const varintLength = (v: number): number => (v < 0x40 ? 1 : v < 0x4000 ? 2 : v < 0x4000_0000 ? 4 : 8);

/**
 * Writes the shortest encoding.
 *
 * @returns the offset behind it
 * @throws QuicError local when v is negative, not a number, or 2^62 and above
 */
export const writeVarint = (buf: Uint8Array, at: number, v: number): number => {
  if (v < 0x40) {
    if (v < 0) throw outOfRange(v);
    buf[at] = v;
    return at + 1;
  }
  if (v < 0x4000) {
    buf[at] = 0x40 | (v >>> 8);
    buf[at + 1] = v;
    return at + 2;
  }
  return v < 0x4000_0000 ? write4(buf, at, v) : write8(buf, at, v);
};

/**
 * Writes v in exactly 1, 2, 4 or 8 bytes, for a field that is patched later.
 *
 * @throws QuicError local when v does not fit
 */
export const writeVarintFixed = (buf: Uint8Array, at: number, v: number, bytes: number): number => {
  if (!(v >= 0) || varintLength(v) > bytes) throw outOfRange(v);
  if (bytes === 1) return writeVarint(buf, at, v);
  if (bytes === 2) {
    buf[at] = 0x40 | (v >>> 8);
    buf[at + 1] = v;
    return at + 2;
  }
  return bytes === 4 ? write4(buf, at, v) : write8(buf, at, v);
};

/**
 * How many payload bytes fit together with their own length prefix.
 *
 * @returns the largest n with `varintLength(n) + n <= room`; -1 when there is not even room for the prefix
 */
export const prefixedRoom = (room: number): number => {
  if (room <= 0x40) return Math.max(-1, room - 1);
  if (room <= 0x4001) return room - 2;
  return room <= 0x4000_0003 ? Math.max(0x3fff, room - 4) : Math.max(0x3fff_ffff, room - 8);
};

export const writeU32 = (buf: Uint8Array, at: number, v: number): number => {
  buf[at] = v >>> 24;
  buf[at + 1] = v >>> 16;
  buf[at + 2] = v >>> 8;
  buf[at + 3] = v;
  return at + 4;
};

const write4 = (buf: Uint8Array, at: number, v: number): number => {
  writeU32(buf, at, v);
  buf[at] = (buf[at] as number) | 0x80;
  return at + 4;
};

const write8 = (buf: Uint8Array, at: number, v: number): number => {
  if (!(v < VARINT_END)) throw outOfRange(v);
  writeU32(buf, at, Math.floor(v / 0x1_0000_0000));
  writeU32(buf, at + 4, v % 0x1_0000_0000);
  buf[at] = (buf[at] as number) | 0xc0;
  return at + 8;
};

const outOfRange = (v: number) => localError(TransportError.internalError, `${v} does not fit its field`);
