import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** No stream ID lies above (RFC 9000 §4.6). */
export const MAX_STREAMS = 2 ** 60;

/** MAX_STREAMS (RFC 9000 §19.11). */
export const parseMaxStreams = (reader: Reader, type: number, sink: FrameSink): void => {
  const limit = reader.varint();
  if (limit > MAX_STREAMS) throw reader.error('more than 2^60 streams');
  sink.maxStreams(type === FrameType.maxStreamsBidi, limit);
};

export const writeMaxStreams = (buf: Uint8Array, at: number, bidirectional: boolean, limit: number): number => {
  buf[at] = bidirectional ? FrameType.maxStreamsBidi : FrameType.maxStreamsUni;
  return writeVarint(buf, at + 1, limit);
};
