import { remoteError, TransportError } from '../../errors.ts';
import type { Reader } from '../reader.ts';
import { prefixedRoom, VARINT_END, varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** CRYPTO (RFC 9000 §19.6). */
export const parseCrypto = (reader: Reader, _type: number, sink: FrameSink): void => {
  const offset = reader.varint();
  const length = reader.varint();
  const start = reader.skip(length);
  // §19.6 leaves the choice of the code, and this one is right for what lies just below as well.
  if (offset + length >= VARINT_END) {
    throw remoteError(TransportError.cryptoBufferExceeded, 'CRYPTO data beyond 2^62-1', FrameType.crypto);
  }
  sink.crypto(offset, reader.buffer, start, start + length);
};

/** @returns how much payload fits with its header; negative: none, not even an empty frame */
export const cryptoRoom = (room: number, offset: number): number => prefixedRoom(room - 1 - varintLength(offset));

/** @returns where the caller puts the payload of `length` bytes; the frame ends behind it */
export const writeCryptoHeader = (buf: Uint8Array, at: number, offset: number, length: number): number => {
  buf[at] = FrameType.crypto;
  return writeVarint(buf, writeVarint(buf, at + 1, offset), length);
};
