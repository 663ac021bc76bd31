import { shortAs } from '../as-number.ts';
import { copyBytes, u16At, u32At, writeU16, writeU32 } from '../bytes.ts';
import { Segment } from './as-path.ts';

const isSet = (type: number): boolean => type === Segment.set;
const isConfederation = (type: number): boolean => type > Segment.sequence;

/** How many AS numbers a well-formed path counts for (RFC 4271 §9.1.2.2 a: a set is one; RFC 5065 §5.3 (3)). */
export const pathLength = (buffer: Uint8Array, start: number, end: number, asBytes: number): number => {
  let length = 0;
  let at = start;
  while (at < end) {
    const type = buffer[at] as number;
    const count = buffer[at + 1] as number;
    if (isSet(type)) length++;
    else if (!isConfederation(type)) length += count;
    at += 2 + count * asBytes;
  }
  return length;
};

/**
 * Writes a path of two-byte numbers with four-byte ones. Where there is an AS4_PATH, its numbers stand for as many at the
 * end of the path (RFC 6793 §4.2.3), and none of it is used when it is the longer.
 *
 * @param as4At where AS4_PATH begins; the same as its end when there is none. Both paths are well formed.
 * @returns the offset behind it: at most twice the length of the path and the length of AS4_PATH further
 */
export const mergePaths = (
  buffer: Uint8Array,
  start: number,
  end: number,
  as4At: number,
  as4End: number,
  out: Uint8Array,
  at: number,
): number => {
  const leading = pathLength(buffer, start, end, 2) - pathLength(buffer, as4At, as4End, 4);
  if (as4At === as4End || leading < 0) return widen(buffer, start, end, Number.POSITIVE_INFINITY, out, at);
  const seam = widen(buffer, start, end, leading, out, at);
  return joinAt(seam, out, at, copyAs4(buffer, as4At, as4End, out, seam));
};

/** Makes one of two sequences that meet, as who prepends does (RFC 4271 §5.1.2 b). @returns where the path ends then */
const joinAt = (seam: number, out: Uint8Array, start: number, end: number): number => {
  let last = start;
  for (let at = start; at < seam; at += 2 + 4 * (out[at + 1] as number)) last = at;
  const count = (out[last + 1] as number) + (out[seam + 1] as number);
  const meet = start < seam && seam < end && out[last] === Segment.sequence && out[seam] === Segment.sequence;
  if (!meet || count > 255) return end;
  out[last + 1] = count;
  out.copyWithin(seam, seam + 2, end);
  return end - 2;
};

/** As many numbers of a path as `most` says, from its beginning; a set is one. */
const widen = (buffer: Uint8Array, start: number, end: number, most: number, out: Uint8Array, at: number): number => {
  let left = most;
  let next = at;
  let from = start;
  while (from < end && left > 0) {
    const type = buffer[from] as number;
    const count = buffer[from + 1] as number;
    const taken = isSet(type) ? count : Math.min(count, left);
    out[next++] = type;
    out[next++] = taken;
    for (let i = 0; i < taken; i++) next = writeU32(out, next, u16At(buffer, from + 2 + 2 * i));
    left -= isSet(type) ? 1 : taken;
    from += 2 + 2 * count;
  }
  return next;
};

/** RFC 6793 §6: segments of confederations are left out. */
const copyAs4 = (buffer: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number => {
  let next = at;
  let from = start;
  while (from < end) {
    const stop = from + 2 + 4 * (buffer[from + 1] as number);
    if (!isConfederation(buffer[from] as number)) next = copyBytes(buffer, from, stop, out, next);
    from = stop;
  }
  return next;
};

/**
 * Writes a path of four-byte numbers with two-byte ones, AS_TRANS for those that do not fit (RFC 6793 §4.2.2).
 *
 * @returns the offset behind it; negative, its complement, when a number did not fit: AS4_PATH has to go with it
 */
export const narrowPath = (buffer: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number => {
  let next = at;
  let from = start;
  let fits = true;
  while (from < end) {
    const count = buffer[from + 1] as number;
    out[next++] = buffer[from] as number;
    out[next++] = count;
    from += 2;
    for (let i = 0; i < count; i++, from += 4) {
      const as = u32At(buffer, from);
      if (as > 0xffff) fits = false;
      next = writeU16(out, next, shortAs(as));
    }
  }
  return fits ? next : ~next;
};
