import type { Reader } from '../reader.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** IMMEDIATE_ACK (draft-ietf-quic-ack-frequency §5). */
export const parseImmediateAck = (_reader: Reader, _type: number, sink: FrameSink): void => sink.immediateAck();

export const writeImmediateAck = (buf: Uint8Array, at: number): number => {
  buf[at] = FrameType.immediateAck;
  return at + 1;
};
