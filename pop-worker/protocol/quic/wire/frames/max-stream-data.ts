import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** MAX_STREAM_DATA (RFC 9000 §19.10). */
export const parseMaxStreamData = (reader: Reader, _type: number, sink: FrameSink): void => {
  const id = reader.streamId();
  sink.maxStreamData(id, reader.varint());
};

export const writeMaxStreamData = (buf: Uint8Array, at: number, id: number, limit: number): number => {
  buf[at] = FrameType.maxStreamData;
  return writeVarint(buf, writeVarint(buf, at + 1, id), limit);
};
