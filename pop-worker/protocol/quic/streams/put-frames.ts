import { varintLength, writeVarint } from '../wire/varint.ts';

/**
 * Writes a frame that is a type and one to three integers.
 *
 * @param count how many of a, b, c it has
 * @returns the offset behind it, or `at` when it does not fit
 */
export const putFrame = (
  buffer: Uint8Array,
  at: number,
  end: number,
  type: number,
  count: number,
  a: number,
  b = 0,
  c = 0,
): number => {
  let bytes = 1 + varintLength(a);
  if (count > 1) bytes += varintLength(b);
  if (count > 2) bytes += varintLength(c);
  if (bytes > end - at) return at;
  buffer[at] = type;
  let next = writeVarint(buffer, at + 1, a);
  if (count > 1) next = writeVarint(buffer, next, b);
  if (count > 2) next = writeVarint(buffer, next, c);
  return next;
};

/** Types of the frames that `putFrame` writes here (RFC 9000 §19). */
export const FrameType = {
  resetStream: 0x04,
  stopSending: 0x05,
  maxData: 0x10,
  maxStreamData: 0x11,
  maxStreamsBidi: 0x12,
  maxStreamsUni: 0x13,
  dataBlocked: 0x14,
  streamDataBlocked: 0x15,
  streamsBlockedBidi: 0x16,
  streamsBlockedUni: 0x17,
} as const;
