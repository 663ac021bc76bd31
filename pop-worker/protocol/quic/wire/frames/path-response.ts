import type { Reader } from '../reader.ts';
import { FrameType } from './frame-type.ts';
import { PATH_DATA_BYTES } from './path-challenge.ts';
import type { FrameSink } from './sink.ts';

/** PATH_RESPONSE (RFC 9000 §19.18). */
export const parsePathResponse = (reader: Reader, _type: number, sink: FrameSink): void =>
  sink.pathResponse(reader.buffer, reader.skip(PATH_DATA_BYTES));

/** @param data eight bytes from `dataAt` */
export const writePathResponse = (buf: Uint8Array, at: number, data: Uint8Array, dataAt = 0): number => {
  buf[at] = FrameType.pathResponse;
  for (let i = 0; i < PATH_DATA_BYTES; i++) buf[at + 1 + i] = data[dataAt + i] as number;
  return at + 1 + PATH_DATA_BYTES;
};
