import type { RangeSet } from '../ranges.ts';
import { varintLength, writeVarint } from '../wire/varint.ts';

/**
 * Writes an ACK frame (RFC 9000 §19.3) straight from the set of received packets, highest ranges first. The ranges that
 * do not fit are left out, as §13.2.3 asks.
 *
 * @param delay already scaled by the exponent
 * @returns the offset behind it, or `at` when not even one range fits
 */
export const writeAckFrame = (
  buffer: Uint8Array,
  at: number,
  end: number,
  ranges: RangeSet,
  delay: number,
  ect0: number,
  ect1: number,
  ce: number,
): number => {
  const hasEcn = ect0 + ect1 + ce > 0;
  const largest = ranges.high(0);
  const first = largest - ranges.low(0);
  let bytes = 1 + varintLength(largest) + varintLength(delay) + 1 + varintLength(first);
  if (hasEcn) bytes += varintLength(ect0) + varintLength(ect1) + varintLength(ce);
  if (bytes > end - at) return at;
  const count = fitting(ranges, end - at - bytes);
  buffer[at] = hasEcn ? 0x03 : 0x02;
  let next = writeVarint(buffer, at + 1, largest);
  next = writeVarint(buffer, next, delay);
  next = writeVarint(buffer, next, count);
  next = writeVarint(buffer, next, first);
  for (let i = 1; i <= count; i++) {
    next = writeVarint(buffer, next, ranges.low(i - 1) - ranges.high(i) - 2);
    next = writeVarint(buffer, next, ranges.high(i) - ranges.low(i));
  }
  if (!hasEcn) return next;
  next = writeVarint(buffer, next, ect0);
  next = writeVarint(buffer, next, ect1);
  return writeVarint(buffer, next, ce);
};

/** How many ranges after the first fit in `room` bytes; from 64 on the count takes one byte more. */
const fitting = (ranges: RangeSet, room: number): number => {
  let left = room;
  for (let i = 1; i < ranges.count; i++) {
    left -= varintLength(ranges.low(i - 1) - ranges.high(i) - 2) + varintLength(ranges.high(i) - ranges.low(i));
    if (i === 64) left--;
    if (left < 0) return i - 1;
  }
  return ranges.count - 1;
};
