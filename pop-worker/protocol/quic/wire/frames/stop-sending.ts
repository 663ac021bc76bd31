import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** STOP_SENDING (RFC 9000 §19.5). */
export const parseStopSending = (reader: Reader, _type: number, sink: FrameSink): void => {
  const id = reader.streamId();
  sink.stopSending(id, reader.code());
};

export const writeStopSending = (buf: Uint8Array, at: number, id: number, code: number): number => {
  buf[at] = FrameType.stopSending;
  return writeVarint(buf, writeVarint(buf, at + 1, id), code);
};
