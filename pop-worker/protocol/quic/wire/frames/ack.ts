import type { Reader } from '../reader.ts';
import { varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { AckFrame, FrameSink } from './sink.ts';

/**
 * Ranges of one frame that are kept. The rest, which has the lowest numbers, is checked and dropped: such packets are
 * acknowledged again or declared lost (RFC 9000 §13.2.3 lets the peer limit them, too).
 */
export const MAX_ACK_RANGES = 256;

/** What the writer takes: sorted, disjoint, not adjacent, inclusive; index 0 is the highest. */
export interface AckRanges {
  readonly count: number;
  low(i: number): number;
  high(i: number): number;
}

/** RFC 9000 §19.3.2: packets received so far with each codepoint. */
export interface EcnCounts {
  readonly ect0: number;
  readonly ect1: number;
  readonly ce: number;
}

/** The one frame that is lent to sinks. */
const frame: AckFrame = {
  largest: 0,
  delay: 0,
  count: 0,
  ranges: new Float64Array(2 * MAX_ACK_RANGES),
  hasEcn: false,
  ect0: 0,
  ect1: 0,
  ce: 0,
};

/** ACK (RFC 9000 §19.3). */
export const parseAck = (reader: Reader, type: number, sink: FrameSink): void => {
  const ranges = frame.ranges;
  const largest = reader.varint();
  frame.largest = largest;
  frame.delay = reader.varint();
  const more = reader.varint();
  let low = largest - reader.varint();
  // §19.3.1: if any computed packet number is negative, FRAME_ENCODING_ERROR.
  if (low < 0) throw reader.error('ACK range below zero');
  ranges[0] = low;
  ranges[1] = largest;
  let count = 1;
  for (let i = 0; i < more; i++) {
    const high = low - reader.varint() - 2;
    low = high - reader.varint();
    if (low < 0) throw reader.error('ACK range below zero');
    if (count < MAX_ACK_RANGES) {
      ranges[2 * count] = low;
      ranges[2 * count + 1] = high;
      count++;
    }
  }
  frame.count = count;
  frame.hasEcn = type === FrameType.ackEcn;
  frame.ect0 = frame.hasEcn ? reader.varint() : 0;
  frame.ect1 = frame.hasEcn ? reader.varint() : 0;
  frame.ce = frame.hasEcn ? reader.varint() : 0;
  sink.ack(frame);
};

/**
 * Writes as many ranges as fit before `end`, the highest first.
 *
 * @param delay already divided by 2^ack_delay_exponent
 * @param ecn written as type 0x03 when given
 * @returns the offset behind the frame; `at` itself when not even one range fits, or there is none
 */
export const writeAck = (
  buf: Uint8Array,
  at: number,
  end: number,
  ranges: AckRanges,
  delay: number,
  ecn: EcnCounts | undefined,
): number => {
  const fit = fittingRanges(end - at, ranges, delay, ecn);
  if (fit === 0) return at;
  const largest = ranges.high(0);
  let low = ranges.low(0);
  buf[at] = ecn === undefined ? FrameType.ack : FrameType.ackEcn;
  let next = writeVarint(buf, at + 1, largest);
  next = writeVarint(buf, next, delay);
  next = writeVarint(buf, next, fit - 1);
  next = writeVarint(buf, next, largest - low);
  for (let i = 1; i < fit; i++) {
    const high = ranges.high(i);
    next = writeVarint(buf, next, low - high - 2);
    low = ranges.low(i);
    next = writeVarint(buf, next, high - low);
  }
  return ecn === undefined ? next : writeEcn(buf, next, ecn);
};

const writeEcn = (buf: Uint8Array, at: number, ecn: EcnCounts): number => {
  const next = writeVarint(buf, at, ecn.ect0);
  return writeVarint(buf, writeVarint(buf, next, ecn.ect1), ecn.ce);
};

const fittingRanges = (room: number, ranges: AckRanges, delay: number, ecn: EcnCounts | undefined): number => {
  if (ranges.count === 0) return 0;
  const largest = ranges.high(0);
  let low = ranges.low(0);
  let bytes = 1 + varintLength(largest) + varintLength(delay) + varintLength(largest - low);
  if (ecn !== undefined) bytes += varintLength(ecn.ect0) + varintLength(ecn.ect1) + varintLength(ecn.ce);
  // The Range Count field is not in `bytes`: it grows with what it counts.
  if (bytes + 1 > room) return 0;
  let fit = 1;
  while (fit < ranges.count) {
    const high = ranges.high(fit);
    bytes += varintLength(low - high - 2);
    low = ranges.low(fit);
    bytes += varintLength(high - low);
    if (bytes + varintLength(fit) > room) break;
    fit++;
  }
  return fit;
};
