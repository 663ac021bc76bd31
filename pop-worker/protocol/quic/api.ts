import type { TimeUs } from '../contract.ts';

/**
 * What an application protocol sees of a QUIC connection. Commands only mark state; packets leave at the next `poll`.
 * Stream IDs are QUIC's own numbers (RFC 9000 §2.1).
 */
export interface QuicConnection {
  readonly isServer: boolean;
  /** The largest payload that `sendDatagram` takes now, 0 while the peer takes none (RFC 9221 §3). */
  maxDatagramBytes(): number;
  /** @returns the stream's ID, or -1 while the peer's limit allows none (`streamsAvailable` tells when) */
  openStream(bidirectional: boolean): number;
  /**
   * Queues bytes without copying them: the chunk belongs to the connection until it is acknowledged. Takes all of it
   * whatever flow control says; `bufferedBytes` and `streamWritable` are there for those who must not queue too much.
   */
  write(stream: number, chunk: Uint8Array, fin: boolean): void;
  /** Bytes queued on a stream and not yet sent for the first time. */
  bufferedBytes(stream: number): number;
  /** Gives up sending (RESET_STREAM). */
  reset(stream: number, code: number): void;
  /** Asks the peer to stop (STOP_SENDING) and drops what still arrives. */
  stopSending(stream: number, code: number): void;
  /**
   * Returns flow-control credit for bytes that `streamData` handed over. Owed for all of them: a stream is over only when
   * its last byte was consumed, unless it was reset, or stopped by `stopSending`, which returns the rest by itself.
   */
  consume(stream: number, bytes: number): void;
  /**
   * Higher goes first, from -8 to 7; 0 by default. Of equal ones, incremental streams (the default) share packet by
   * packet, others send one after the other.
   */
  setPriority(stream: number, urgency: number, incremental: boolean): void;
  /** Copies the payload; `false` when it is too large or the queue is full (counted). */
  sendDatagram(buffer: Uint8Array, start: number, end: number): boolean;
  /** Room in the datagram queue, in bytes. */
  datagramRoom(): number;
  /** Keying material that both ends have and nobody else (RFC 8446 §7.5); once the handshake is complete. */
  exporter(label: string, context: Uint8Array, length: number): Uint8Array;
  /**
   * A server that keeps TLS for it (`QuicConfig.keepsTls`) gives one more ticket, or none, and lets go of TLS: only the first
   * call counts. Nothing happens before the handshake is complete, nor on a client.
   *
   * @param data up to 1024 bytes, comes back as `HandshakeInfo.ticketData` of the session that the ticket begins; undefined: none
   * @throws RangeError for more
   */
  lastTicket(data: Uint8Array | undefined): void;
  /** Closes with an application error (RFC 9000 §10.2). */
  close(code: number, reason: string): void;
}

/** What a handshake came to. */
export interface HandshakeInfo {
  readonly alpn: string;
  readonly resumed: boolean;
  readonly earlyData: 'none' | 'accepted' | 'rejected';
  readonly peerCertificate: Uint8Array | undefined;
  /** A server's: what `lastTicket` had put into the ticket by which the session was resumed, if it was by such a one. */
  readonly ticketData?: Uint8Array | undefined;
}

/** How a connection ended. */
export interface CloseInfo {
  readonly by: 'local' | 'remote' | 'idle' | 'reset' | 'version';
  readonly application: boolean;
  readonly code: number;
  readonly reason: string;
}

/**
 * What a QUIC connection tells the application. Buffers are lent for the time of the call only: whoever wants bytes
 * later copies them.
 */
export interface ConnectionSink {
  /** The handshake is complete (RFC 9001 §4.1.1). */
  handshakeComplete(connection: QuicConnection, info: HandshakeInfo): void;
  /** …and confirmed (RFC 9001 §4.1.2): what early data asked for may now take effect. */
  handshakeConfirmed(connection: QuicConnection): void;
  /** In-order bytes of a stream. `fin` comes with the last bytes, or with none. */
  streamData(
    connection: QuicConnection,
    stream: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): void;
  streamReset(connection: QuicConnection, stream: number, code: number): void;
  /** The peer wants no more; RESET_STREAM with its code goes back by itself (RFC 9000 §3.5). */
  streamStopSending(connection: QuicConnection, stream: number, code: number): void;
  /** All that was queued has been sent at least once. */
  streamWritable(connection: QuicConnection, stream: number): void;
  /** Both directions are over; the ID means nothing from now on. */
  streamClosed(connection: QuicConnection, stream: number): void;
  streamsAvailable(connection: QuicConnection, bidirectional: boolean): void;
  datagram(connection: QuicConnection, buffer: Uint8Array, start: number, end: number): void;
  /** There is room in the datagram queue again. */
  datagramWritable(connection: QuicConnection): void;
  /** A client may keep this for resumption. */
  ticket(connection: QuicConnection, data: Uint8Array): void;
  closed(connection: QuicConnection, info: CloseInfo, now: TimeUs): void;
}
