import type { Fields } from '#protocol/qpack/field.ts';
import { fieldSectionBound } from '#protocol/qpack/section-encoder.ts';
import { varintLength, writeVarint } from '#protocol/quic/wire/varint.ts';
import { FrameType } from './frames.ts';
import { encodeSettings, type Http3Settings } from './settings.ts';

/** Frame type and length of the frames that we send take at most this. */
const HEADER_ROOM = 9;

/** Fills the header in front of a payload that starts at `HEADER_ROOM`. @returns header and payload */
const framed = (buffer: Uint8Array, type: number, end: number): Uint8Array => {
  const length = end - HEADER_ROOM;
  const start = HEADER_ROOM - varintLength(length) - varintLength(type);
  writeVarint(buffer, writeVarint(buffer, start, type), length);
  return buffer.subarray(start, end);
};

/**
 * A HEADERS frame in one piece (RFC 9114 §7.2.2).
 *
 * @param encode writes the section into the buffer from an offset on, and returns the offset behind it
 */
export const headersFrame = (fields: Fields, encode: (out: Uint8Array, at: number) => number): Uint8Array => {
  const buffer = new Uint8Array(HEADER_ROOM + fieldSectionBound(fields));
  return framed(buffer, FrameType.headers, encode(buffer, HEADER_ROOM));
};

/** @param frame as `headersFrame` makes it */
export const payloadBytes = (frame: Uint8Array): number => frame.length - 1 - (1 << ((frame[1] as number) >> 6));

/** What goes in front of the content in a DATA frame (RFC 9114 §7.2.1). */
export const dataFrameHeader = (length: number): Uint8Array => {
  const header = new Uint8Array(1 + varintLength(length));
  writeVarint(header, 1, length);
  return header;
};

/** The first frame of the control stream (RFC 9114 §6.2.1). */
export const settingsFrame = (settings: Http3Settings, grease: number): Uint8Array => {
  const payload = encodeSettings(settings, grease);
  const buffer = new Uint8Array(HEADER_ROOM + payload.length);
  buffer.set(payload, HEADER_ROOM);
  return framed(buffer, FrameType.settings, buffer.length);
};

/** The largest stream ID of a client's bidirectional stream, 2^62-4: nothing is rejected yet (RFC 9114 §5.2). */
export const NOTHING_REJECTED = Number.POSITIVE_INFINITY;

/** A GOAWAY frame (RFC 9114 §7.2.6). @param id a stream ID, a push ID, or `NOTHING_REJECTED` */
export const goawayFrame = (id: number): Uint8Array => {
  if (id === NOTHING_REJECTED) {
    return Uint8Array.of(FrameType.goaway, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc);
  }
  const frame = new Uint8Array(2 + varintLength(id));
  frame[0] = FrameType.goaway;
  frame[1] = varintLength(id);
  writeVarint(frame, 2, id);
  return frame;
};
