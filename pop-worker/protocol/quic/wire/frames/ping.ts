import type { Reader } from '../reader.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** PING (RFC 9000 §19.2). */
export const parsePing = (_reader: Reader, _type: number, sink: FrameSink): void => sink.ping();

export const writePing = (buf: Uint8Array, at: number): number => {
  buf[at] = FrameType.ping;
  return at + 1;
};
