import type { Reader } from '../reader.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** Unpredictable bytes of a challenge, echoed by its response. */
export const PATH_DATA_BYTES = 8;

/** PATH_CHALLENGE (RFC 9000 §19.17). */
export const parsePathChallenge = (reader: Reader, _type: number, sink: FrameSink): void =>
  sink.pathChallenge(reader.buffer, reader.skip(PATH_DATA_BYTES));

/** @param data eight bytes from `dataAt` */
export const writePathChallenge = (buf: Uint8Array, at: number, data: Uint8Array, dataAt = 0): number => {
  buf[at] = FrameType.pathChallenge;
  for (let i = 0; i < PATH_DATA_BYTES; i++) buf[at + 1 + i] = data[dataAt + i] as number;
  return at + 1 + PATH_DATA_BYTES;
};
