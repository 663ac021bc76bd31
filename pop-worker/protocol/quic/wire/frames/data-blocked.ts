import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** DATA_BLOCKED (RFC 9000 §19.12). */
export const parseDataBlocked = (reader: Reader, _type: number, sink: FrameSink): void =>
  sink.dataBlocked(reader.varint());

export const writeDataBlocked = (buf: Uint8Array, at: number, limit: number): number => {
  buf[at] = FrameType.dataBlocked;
  return writeVarint(buf, at + 1, limit);
};
