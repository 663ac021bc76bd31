import { remoteError, TransportError } from '../../errors.ts';
import type { Reader } from '../reader.ts';
import { prefixedRoom, VARINT_END, varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** Flags in the type of a STREAM frame (RFC 9000 §19.8). */
export const StreamBit = { fin: 0x01, length: 0x02, offset: 0x04 } as const;

/** STREAM (RFC 9000 §19.8). */
export const parseStream = (reader: Reader, type: number, sink: FrameSink): void => {
  const id = reader.streamId();
  const offset = (type & StreamBit.offset) !== 0 ? reader.varint() : 0;
  const length = (type & StreamBit.length) !== 0 ? reader.varint() : reader.remaining;
  const start = reader.skip(length);
  // §19.8 leaves the choice of the code, and this one is right for what lies just below as well.
  if (offset + length >= VARINT_END) {
    throw remoteError(TransportError.flowControlError, 'STREAM data beyond 2^62-1', type);
  }
  sink.stream(id, offset, reader.buffer, start, start + length, (type & StreamBit.fin) !== 0);
};

/** Bytes before the payload. @param withLength false: the frame is the last of its packet and fills it */
export const streamHeaderLength = (id: number, offset: number, length: number, withLength: boolean): number =>
  1 + varintLength(id) + (offset === 0 ? 0 : varintLength(offset)) + (withLength ? varintLength(length) : 0);

/** @returns how much payload fits with its header and a Length field; negative: none, not even an empty frame */
export const streamRoom = (room: number, id: number, offset: number): number =>
  prefixedRoom(room - streamHeaderLength(id, offset, 0, false));

/** @returns where the caller puts the payload of `length` bytes; the frame ends behind it */
export const writeStreamHeader = (
  buf: Uint8Array,
  at: number,
  id: number,
  offset: number,
  length: number,
  fin: boolean,
  withLength: boolean,
): number => {
  const flags = (offset === 0 ? 0 : StreamBit.offset) | (withLength ? StreamBit.length : 0) | (fin ? StreamBit.fin : 0);
  buf[at] = FrameType.stream | flags;
  let next = writeVarint(buf, at + 1, id);
  if (offset !== 0) next = writeVarint(buf, next, offset);
  return withLength ? writeVarint(buf, next, length) : next;
};
