import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** RESET_STREAM (RFC 9000 §19.4). */
export const parseResetStream = (reader: Reader, _type: number, sink: FrameSink): void => {
  const id = reader.streamId();
  const code = reader.code();
  sink.resetStream(id, code, reader.varint());
};

export const writeResetStream = (buf: Uint8Array, at: number, id: number, code: number, finalSize: number): number => {
  buf[at] = FrameType.resetStream;
  const next = writeVarint(buf, at + 1, id);
  return writeVarint(buf, writeVarint(buf, next, code), finalSize);
};
