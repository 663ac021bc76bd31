import type { Reader } from '../reader.ts';
import { varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** RETIRE_CONNECTION_ID (RFC 9000 §19.16). */
export const parseRetireConnectionId = (reader: Reader, _type: number, sink: FrameSink): void =>
  sink.retireConnectionId(reader.varint());

export const retireConnectionIdLength = (sequence: number): number => 1 + varintLength(sequence);

export const writeRetireConnectionId = (buf: Uint8Array, at: number, sequence: number): number => {
  buf[at] = FrameType.retireConnectionId;
  return writeVarint(buf, at + 1, sequence);
};
