import { FrameType } from '../frames/frame-type.ts';
import { writeVarint } from '../varint.ts';

/** ACK_FREQUENCY, which we do not send. @param threshold ack-eliciting packets that may go without an ACK @param reordering 0: gaps bring about none */
export const writeAckFrequency = (
  buf: Uint8Array,
  at: number,
  sequence: number,
  threshold: number,
  maxDelayUs: number,
  reordering: number,
): number => {
  let next = writeVarint(buf, at, FrameType.ackFrequency);
  for (const value of [sequence, threshold, maxDelayUs, reordering]) next = writeVarint(buf, next, value);
  return next;
};
