import { Http3ErrorCode, remoteError } from './errors.ts';

/** Where the payload of the last HTTP Datagram begins, and whose it is. */
export interface QuarterStreamId {
  /** The stream ID, four times what is on the wire; above 2^53 rounded. */
  stream: number;
  payload: number;
}

/**
 * Reads the Quarter Stream ID in front of an HTTP Datagram (RFC 9297 §2.1) without allocating.
 *
 * @param out where the result goes
 * @throws Http3Error H3_DATAGRAM_ERROR
 */
export const readQuarterStreamId = (buffer: Uint8Array, start: number, end: number, out: QuarterStreamId): void => {
  const first = buffer[start] as number;
  const bytes = 1 << (first >>> 6);
  if (start + bytes > end) throw remoteError(Http3ErrorCode.datagramError, 'truncated quarter stream ID');
  // The largest is 2^60-1: 0x0f in the six bits of the first of eight bytes.
  if (first > 0xcf) throw remoteError(Http3ErrorCode.datagramError, 'quarter stream ID too large');
  let value = first & 0x3f;
  for (let i = 1; i < bytes; i++) value = value * 256 + (buffer[start + i] as number);
  out.stream = value * 4;
  out.payload = start + bytes;
};

/** Why HTTP Datagrams went nowhere. */
export interface DatagramCounters {
  /** Received for a stream that is unknown, not begun, or over (RFC 9297 §2.1 lets them be dropped). */
  receivedWithoutStream: number;
  /** Not sent: not negotiated, stream gone, too large, or the queue was full. */
  notSent: number;
}
