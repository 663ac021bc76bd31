import type { Reader } from '../reader.ts';
import { prefixedRoom, varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** DATAGRAM (RFC 9221 §4). */
export const parseDatagram = (reader: Reader, type: number, sink: FrameSink): void => {
  const before = reader.remaining;
  const length = type === FrameType.datagramWithLength ? reader.varint() : before;
  const start = reader.skip(length);
  sink.datagram(reader.buffer, start, start + length, 1 + before - reader.remaining);
};

/** Bytes before the payload. @param withLength false: the frame is the last of its packet and fills it */
export const datagramHeaderLength = (length: number, withLength: boolean): number =>
  withLength ? 1 + varintLength(length) : 1;

/** @returns how much payload fits with its header and a Length field; negative: none, not even an empty frame */
export const datagramRoom = (room: number): number => prefixedRoom(room - 1);

/** @returns where the caller puts the payload of `length` bytes; the frame ends behind it */
export const writeDatagramHeader = (buf: Uint8Array, at: number, length: number, withLength: boolean): number => {
  buf[at] = withLength ? FrameType.datagramWithLength : FrameType.datagram;
  return withLength ? writeVarint(buf, at + 1, length) : at + 1;
};
