import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** MAX_DATA (RFC 9000 §19.9). */
export const parseMaxData = (reader: Reader, _type: number, sink: FrameSink): void => sink.maxData(reader.varint());

export const writeMaxData = (buf: Uint8Array, at: number, limit: number): number => {
  buf[at] = FrameType.maxData;
  return writeVarint(buf, at + 1, limit);
};
