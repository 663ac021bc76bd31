import type { Reader } from '../reader.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** HANDSHAKE_DONE (RFC 9000 §19.20). */
export const parseHandshakeDone = (_reader: Reader, _type: number, sink: FrameSink): void => sink.handshakeDone();

export const writeHandshakeDone = (buf: Uint8Array, at: number): number => {
  buf[at] = FrameType.handshakeDone;
  return at + 1;
};
