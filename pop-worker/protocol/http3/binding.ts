import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import type { TimeUs } from '../contract.ts';
import type { Http3Connection } from './connection.ts';

/**
 * A QUIC endpoint wants a sink before it makes the connection, and HTTP/3 wants the connection: this stands in between
 * and makes the HTTP/3 connection at the first event.
 */
export class Http3Binding implements ConnectionSink {
  readonly #make: (quic: QuicConnection) => Http3Connection;
  #http3: Http3Connection | undefined;

  constructor(make: (quic: QuicConnection) => Http3Connection) {
    this.#make = make;
  }

  /** Undefined before the first event or `bind`. */
  get http3(): Http3Connection | undefined {
    return this.#http3;
  }

  /** Also by hand: a client that sends early data cannot wait for an event. */
  bind(quic: QuicConnection): Http3Connection {
    this.#http3 ??= this.#make(quic);
    return this.#http3;
  }

  handshakeComplete(quic: QuicConnection, info: HandshakeInfo): void {
    this.bind(quic).events.handshakeComplete(quic, info);
  }

  handshakeConfirmed(quic: QuicConnection): void {
    this.bind(quic).events.handshakeConfirmed(quic);
  }

  streamData(quic: QuicConnection, id: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    this.bind(quic).events.streamData(quic, id, buffer, start, end, fin);
  }

  streamReset(quic: QuicConnection, id: number, code: number): void {
    this.bind(quic).events.streamReset(quic, id, code);
  }

  streamStopSending(quic: QuicConnection, id: number, code: number): void {
    this.bind(quic).events.streamStopSending(quic, id, code);
  }

  streamWritable(quic: QuicConnection, id: number): void {
    this.bind(quic).events.streamWritable(quic, id);
  }

  streamClosed(quic: QuicConnection, id: number): void {
    this.bind(quic).events.streamClosed(quic, id);
  }

  streamsAvailable(quic: QuicConnection, bidirectional: boolean): void {
    this.bind(quic).events.streamsAvailable(quic, bidirectional);
  }

  datagram(quic: QuicConnection, buffer: Uint8Array, start: number, end: number): void {
    this.bind(quic).events.datagram(quic, buffer, start, end);
  }

  datagramWritable(quic: QuicConnection): void {
    this.bind(quic).events.datagramWritable(quic);
  }

  ticket(quic: QuicConnection, data: Uint8Array): void {
    this.bind(quic).events.ticket(quic, data);
  }

  closed(quic: QuicConnection, info: CloseInfo, now: TimeUs): void {
    this.bind(quic).events.closed(quic, info, now);
  }
}
