import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** STREAM_DATA_BLOCKED (RFC 9000 §19.13). */
export const parseStreamDataBlocked = (reader: Reader, _type: number, sink: FrameSink): void => {
  const id = reader.streamId();
  sink.streamDataBlocked(id, reader.varint());
};

export const writeStreamDataBlocked = (buf: Uint8Array, at: number, id: number, limit: number): number => {
  buf[at] = FrameType.streamDataBlocked;
  return writeVarint(buf, writeVarint(buf, at + 1, id), limit);
};
