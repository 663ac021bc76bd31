/** An ACK frame (RFC 9000 §19.3). One object, reused: lent for the call. */
export interface AckFrame {
  largest: number;
  /** As on the wire: multiply by 2^ack_delay_exponent of the peer for microseconds. */
  delay: number;
  /** Ranges in `ranges`; at most `MAX_ACK_RANGES`, the lowest beyond that are dropped. */
  count: number;
  /** Pairs [low, high], inclusive, descending: the first pair has the highest numbers. */
  ranges: Float64Array;
  hasEcn: boolean;
  ect0: number;
  ect1: number;
  ce: number;
}

/**
 * Whoever acts on frames. Bytes are ranges of the packet's own buffer, lent for the call. A method may throw a
 * `QuicError`; `Reader.frameType` then still tells which frame it was.
 *
 * Form is checked here (lengths, limits of the encoding, packet types); what depends on state is up to the sink: roles
 * (NEW_TOKEN and HANDSHAKE_DONE only come from servers), stream directions, flow control, whether DATAGRAM was offered.
 */
export interface FrameSink {
  /** Consecutive PADDING frames. */
  padding(count: number): void;
  ping(): void;
  ack(frame: AckFrame): void;
  resetStream(id: number, code: number, finalSize: number): void;
  stopSending(id: number, code: number): void;
  crypto(offset: number, buffer: Uint8Array, start: number, end: number): void;
  newToken(buffer: Uint8Array, start: number, end: number): void;
  stream(id: number, offset: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void;
  maxData(limit: number): void;
  maxStreamData(id: number, limit: number): void;
  maxStreams(bidirectional: boolean, limit: number): void;
  dataBlocked(limit: number): void;
  streamDataBlocked(id: number, limit: number): void;
  streamsBlocked(bidirectional: boolean, limit: number): void;
  /** The token is the 16 bytes from `tokenStart`. */
  newConnectionId(
    sequence: number,
    retirePriorTo: number,
    buffer: Uint8Array,
    cidStart: number,
    cidEnd: number,
    tokenStart: number,
  ): void;
  retireConnectionId(sequence: number): void;
  /** Eight bytes from `start`. */
  pathChallenge(buffer: Uint8Array, start: number): void;
  /** Eight bytes from `start`. */
  pathResponse(buffer: Uint8Array, start: number): void;
  /** @param frameType the frame that the peer complains of; 0 when `application`, or unknown */
  connectionClose(
    application: boolean,
    code: number,
    frameType: number,
    buffer: Uint8Array,
    reasonStart: number,
    reasonEnd: number,
  ): void;
  handshakeDone(): void;
  immediateAck(): void;
  /** @param threshold ack-eliciting packets that may go without an ACK @param reordering 0: gaps bring about none */
  ackFrequency(sequence: number, threshold: number, maxDelayUs: number, reordering: number): void;
  /** @param frameBytes of the whole frame: type, length if there is one, and payload */
  datagram(buffer: Uint8Array, start: number, end: number, frameBytes: number): void;
}
