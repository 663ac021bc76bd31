import { type Fields, fieldSectionBytes } from '#protocol/qpack/field.ts';
import { DEFAULT_FIELD_LIMITS } from '#protocol/qpack/section-decoder.ts';
import type { ConnectionSink, QuicConnection } from '#protocol/quic/api.ts';
import { DATAGRAM_HEADROOM, type Http3Options, type Http3Sink, type StreamSink } from './api.ts';
import type { DatagramCounters } from './datagrams.ts';
import { Http3ErrorCode, localError } from './errors.ts';
import { DEFAULT_QPACK_LIMITS, FieldCoding, type QpackCounters } from './field-coding.ts';
import type { HttpConnection } from './http-connection.ts';
import { Lifecycle } from './lifecycle.ts';
import { checkTrailers, parseRequest, parseResponse } from './message.ts';
import type { Http3Observer } from './observer.ts';
import { dataFrameHeader, payloadBytes } from './outgoing.ts';
import { ownSettings } from './own-settings.ts';
import { QuicEvents } from './quic-events.ts';
import { type RequestStream, Sending } from './request-stream.ts';
import { RequestTable } from './request-table.ts';
import type { Http3Settings } from './settings.ts';

const EMPTY = new Uint8Array(0);

/**
 * HTTP/3 on one QUIC connection, client or server (RFC 9114): what a program may do with it. What happens comes out at
 * `Http3Sink`.
 *
 * Commands on a stream return false once the stream is gone, for an answer may come late; misuse throws.
 */
export class Http3Connection implements HttpConnection {
  readonly quic: QuicConnection;
  readonly counters: DatagramCounters = { receivedWithoutStream: 0, notSent: 0 };
  /** Sees what frames there are; may come and go at any time. */
  observer: Http3Observer | undefined;
  /** The sink of the QUIC connection. */
  readonly events: ConnectionSink;
  readonly #sink: Http3Sink;
  readonly #local: Http3Settings;
  readonly #coding: FieldCoding;
  readonly #requests: RequestTable;
  readonly #lifecycle: Lifecycle;

  constructor(quic: QuicConnection, sink: Http3Sink, options: Http3Options = {}) {
    this.quic = quic;
    this.observer = options.observer;
    this.#sink = sink;
    const limits = options.fieldLimits ?? DEFAULT_FIELD_LIMITS;
    const qpack = { ...DEFAULT_QPACK_LIMITS, ...options.qpack };
    this.#local = ownSettings(quic.isServer, options, limits.sectionBytes, qpack);
    this.#coding = new FieldCoding(quic, limits, qpack, (error) => this.#lifecycle.fail(error));
    this.#requests = new RequestTable(this, sink, this.#coding, limits, this.#local.enableConnectProtocol);
    this.#lifecycle = new Lifecycle(this, sink, this.#local, this.#coding, this.#requests, options);
    this.events = new QuicEvents(this, sink, this.#lifecycle, this.#coding, this.#requests);
  }

  get isServer(): boolean {
    return this.quic.isServer;
  }

  /** What the peer allows; initial or remembered values until its SETTINGS arrive. */
  get peerSettings(): Http3Settings {
    return this.#lifecycle.peer;
  }

  /** What we announce; a server keeps it with the session for a client that resumes. */
  get localSettings(): Http3Settings {
    return this.#local;
  }

  /** What header compression did and holds. */
  get qpackCounters(): QpackCounters {
    return this.#coding.counters;
  }

  get openRequests(): number {
    return this.#requests.size;
  }

  /** Opens the control stream; called by itself when the handshake is complete, earlier for early data. */
  start(): void {
    this.#lifecycle.start();
  }

  /**
   * Client: sends a request head. Extended CONNECT has a :protocol field (RFC 9220).
   *
   * @param fin no content follows
   * @returns the stream, or -1 while none can be opened: stream limit, peer going away, or :protocol before the server
   *   said that it understands it (`streamsAvailable`, `settings` tell when)
   */
  openRequest(fields: Fields, fin: boolean, sink: StreamSink = this.#sink): number {
    const head = parseRequest(fields, true);
    if (typeof head === 'string') throw localError(head);
    if (!this.#fits(fields)) throw localError('field section too large for the peer');
    if (this.isServer) throw localError('servers do not request');
    if (!this.#lifecycle.takesRequests) return -1;
    if (head.protocol !== undefined && !this.#lifecycle.peer.enableConnectProtocol) return -1;
    const id = this.quic.openStream(true);
    if (id < 0) return -1;
    const stream = this.#requests.open(id, sink);
    stream.method = head.method;
    stream.datagrams = head.protocol !== undefined;
    stream.sending = fin ? Sending.over : Sending.body;
    this.observer?.streamType('local', id, undefined);
    this.writeHeaders(id, fields, fin);
    return id;
  }

  /**
   * Server: sends an interim or the final response head. What is larger than the peer says it takes cancels the stream:
   * how little that is is the peer's choice (RFC 9114 §4.2.2), and no misuse of this side.
   *
   * @param fin no content follows
   */
  respond(id: number, fields: Fields, fin: boolean): boolean {
    const head = parseResponse(fields);
    if (typeof head === 'string') throw localError(head);
    const stream = this.#requests.get(id);
    if (stream === undefined || stream.sending === Sending.over) return false;
    if (!this.isServer || stream.sending !== Sending.head) throw localError('response out of place');
    const interim = head.status < 200;
    if (interim && fin) throw localError('an interim response is not the last');
    if (!this.#fits(fields)) return !this.cancel(id);
    if (!interim) stream.sending = fin ? Sending.over : Sending.body;
    this.writeHeaders(id, fields, fin);
    return true;
  }

  /** Sends content; the chunk belongs to the connection from now on. It may be empty. */
  sendBody(id: number, chunk: Uint8Array, fin: boolean): boolean {
    const stream = this.#sendable(id);
    if (stream === undefined) return false;
    if (chunk.length > 0) {
      this.observer?.data('local', id, chunk.length);
      this.quic.write(id, dataFrameHeader(chunk.length), false);
      this.quic.write(id, chunk, fin);
    } else if (fin) this.quic.write(id, EMPTY, true);
    if (fin) stream.sending = Sending.over;
    return true;
  }

  /** Ends a message with a trailer section (RFC 9114 §4.1). */
  sendTrailers(id: number, fields: Fields): boolean {
    const wrong = checkTrailers(fields);
    if (wrong !== undefined) throw localError(wrong);
    const stream = this.#sendable(id);
    if (stream === undefined) return false;
    if (!this.#fits(fields)) return !this.cancel(id);
    stream.sending = Sending.over;
    this.writeHeaders(id, fields, true);
    return true;
  }

  /** Bytes queued on a stream and not yet sent for the first time. */
  bufferedBytes(id: number): number {
    return this.#requests.get(id) === undefined ? 0 : this.quic.bufferedBytes(id);
  }

  /** Gives back the flow-control credit of bytes that `body` handed over. */
  consume(id: number, bytes: number): void {
    const stream = this.#requests.get(id);
    if (stream !== undefined && !this.#lifecycle.over) this.quic.consume(id, bytes);
  }

  /**
   * Ends both directions at once (RFC 9114 §4.1.1): H3_REQUEST_CANCELLED, H3_REQUEST_REJECTED when nothing was
   * processed, H3_CONNECT_ERROR for a tunnel whose far end failed. `closed` follows, `aborted` does not.
   */
  cancel(id: number, code: number = Http3ErrorCode.requestCancelled): boolean {
    const stream = this.#requests.get(id);
    if (stream === undefined) return false;
    this.#requests.cancel(stream, code);
    return true;
  }

  /** Wants no more of the peer's message but goes on with its own (RFC 9114 §4.1: H3_NO_ERROR). */
  stopReading(id: number, code: number = Http3ErrorCode.noError): boolean {
    const stream = this.#requests.get(id);
    if (stream === undefined || stream.receivingOver) return false;
    this.quic.stopSending(id, code);
    stream.stopReceiving();
    return true;
  }

  /** What happens on this stream goes to that sink from now on. */
  attach(id: number, sink: StreamSink): boolean {
    const stream = this.#requests.get(id);
    if (stream === undefined) return false;
    stream.sink = sink;
    return true;
  }

  /** The largest payload of an HTTP Datagram on this stream now, 0 while none can be sent (RFC 9297 §2.1.1). */
  maxDatagramBytes(id: number): number {
    const stream = this.#requests.get(id);
    if (stream === undefined || !this.#datagramsAllowed(stream)) return 0;
    return Math.max(0, this.quic.maxDatagramBytes() - stream.quarter.length);
  }

  /**
   * Sends an HTTP Datagram. The bytes in front of `start` are overwritten: `DATAGRAM_HEADROOM` of them must be free.
   *
   * @returns false when it was dropped (counted)
   */
  sendDatagram(id: number, buffer: Uint8Array, start: number, end: number): boolean {
    const stream = this.#requests.get(id);
    if (start < DATAGRAM_HEADROOM) throw localError('no headroom before the datagram');
    if (stream !== undefined && this.#datagramsAllowed(stream)) {
      const quarter = stream.quarter;
      const from = start - quarter.length;
      for (let i = 0; i < quarter.length; i++) buffer[from + i] = quarter[i] as number;
      if (this.quic.sendDatagram(buffer, from, end)) {
        this.observer?.datagram('local', id, end - start);
        return true;
      }
    }
    this.counters.notSent++;
    return false;
  }

  datagramRoom(): number {
    return this.quic.datagramRoom();
  }

  /**
   * Goes away gracefully (RFC 9114 §5.2). A server first calls it with `final` false, which stops new requests but
   * loses none of those on their way; about a round trip later with `final` true, which rejects what comes then.
   * `drained` follows when no request is left.
   */
  shutdown(final = true): void {
    this.#lifecycle.shutdown(final);
  }

  /** Closes the connection at once. */
  close(code: number = Http3ErrorCode.noError, reason = ''): void {
    this.#lifecycle.close(code, reason);
  }

  /** Writes a HEADERS frame; what may be sent the caller knows. */
  writeHeaders(id: number, fields: Fields, fin: boolean): void {
    const frame = this.#coding.headers(id, fields);
    this.observer?.headers('local', id, fields, payloadBytes(frame));
    this.quic.write(id, frame, fin);
  }

  /** RFC 9114 §4.2.2: the peer would refuse more. */
  #fits(fields: Fields): boolean {
    return fieldSectionBytes(fields) <= this.#lifecycle.peer.maxFieldSectionBytes;
  }

  #sendable(id: number): RequestStream | undefined {
    const stream = this.#requests.get(id);
    if (stream === undefined || stream.sending === Sending.over) return undefined;
    if (stream.sending === Sending.head) throw localError('content before the head');
    return stream;
  }

  #datagramsAllowed(stream: RequestStream): boolean {
    // RFC 9297 §2.1, §2.1.1
    return (
      stream.datagrams && stream.sending !== Sending.over && this.#local.h3Datagram && this.#lifecycle.peer.h3Datagram
    );
  }
}
