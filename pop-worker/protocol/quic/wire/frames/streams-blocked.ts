import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import { MAX_STREAMS } from './max-streams.ts';
import type { FrameSink } from './sink.ts';

/** STREAMS_BLOCKED (RFC 9000 §19.14). */
export const parseStreamsBlocked = (reader: Reader, type: number, sink: FrameSink): void => {
  const limit = reader.varint();
  if (limit > MAX_STREAMS) throw reader.error('more than 2^60 streams');
  sink.streamsBlocked(type === FrameType.streamsBlockedBidi, limit);
};

export const writeStreamsBlocked = (buf: Uint8Array, at: number, bidirectional: boolean, limit: number): number => {
  buf[at] = bidirectional ? FrameType.streamsBlockedBidi : FrameType.streamsBlockedUni;
  return writeVarint(buf, at + 1, limit);
};
