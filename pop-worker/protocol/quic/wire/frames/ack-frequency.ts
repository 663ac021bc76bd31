import type { Reader } from '../reader.ts';
import { writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** ACK_FREQUENCY (draft-ietf-quic-ack-frequency §4). */
export const parseAckFrequency = (reader: Reader, _type: number, sink: FrameSink): void => {
  const sequence = reader.varint();
  const threshold = reader.varint();
  const maxDelayUs = reader.varint();
  sink.ackFrequency(sequence, threshold, maxDelayUs, reader.varint());
};

/** Type, of two bytes, and four integers. */
export const MAX_ACK_FREQUENCY_BYTES = 2 + 4 * 8;

/** @param threshold ack-eliciting packets that may go without an ACK @param reordering 0: gaps bring about none */
export const writeAckFrequency = (
  buf: Uint8Array,
  at: number,
  sequence: number,
  threshold: number,
  maxDelayUs: number,
  reordering: number,
): number => {
  let next = writeVarint(buf, at, FrameType.ackFrequency);
  next = writeVarint(buf, next, sequence);
  next = writeVarint(buf, next, threshold);
  next = writeVarint(buf, next, maxDelayUs);
  return writeVarint(buf, next, reordering);
};
