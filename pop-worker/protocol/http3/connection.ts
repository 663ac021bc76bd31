import { type Fields, fieldSectionBytes } from '#protocol/qpack/field.ts';
import { DEFAULT_FIELD_LIMITS } from '#protocol/qpack/section-decoder.ts';
import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import { ProtocolError, type TimeUs } from '../contract.ts';
import { DATAGRAM_HEADROOM, type Http3Options, type Http3Sink, type StreamSink } from './api.ts';
import { CriticalOutput } from './critical-output.ts';
import { type DatagramCounters, readQuarterStreamId } from './datagrams.ts';
import { Http3ErrorCode, localError, remoteError } from './errors.ts';
import { DEFAULT_QPACK_LIMITS, FieldCoding, type QpackCounters } from './field-coding.ts';
import { StreamType } from './frames.ts';
import { checkTrailers, parseRequest, parseResponse } from './message.ts';
import type { Http3Observer } from './observer.ts';
import { dataFrameHeader, goawayFrame, NOTHING_REJECTED, payloadBytes, settingsFrame } from './outgoing.ts';
import { ownSettings } from './own-settings.ts';
import { PeerStreams } from './peer-streams.ts';
import { type RequestStream, Sending } from './request-stream.ts';
import { RequestTable } from './request-table.ts';
import { checkNotLowered, type Http3Settings, INITIAL_SETTINGS } from './settings.ts';

const EMPTY = new Uint8Array(0);

/**
 * HTTP/3 on one QUIC connection, client or server (RFC 9114). It is that connection's sink; what happens comes out at
 * `Http3Sink`. Nothing the peer sends makes it throw: an error of the connection closes it with the code of RFC 9114
 * §8.1 or RFC 9204 §6, and `connectionClosed` follows from QUIC.
 *
 * Commands on a stream return false once the stream is gone, for an answer may come late; misuse throws.
 */
export class Http3Connection implements ConnectionSink {
  readonly quic: QuicConnection;
  readonly counters: DatagramCounters = { receivedWithoutStream: 0, notSent: 0 };
  /** Sees what frames there are; may come and go at any time. */
  observer: Http3Observer | undefined;
  readonly #sink: Http3Sink;
  readonly #local: Http3Settings;
  readonly #grease: number;
  #remembered: Http3Settings | undefined;
  readonly #control: CriticalOutput;
  readonly #coding: FieldCoding;
  readonly #peerStreams: PeerStreams;
  readonly #requests: RequestTable;
  #peer: Http3Settings;
  #started = false;
  #failed = false;
  #shuttingDown = false;
  #goawayReceived = false;
  readonly #quarter = { stream: 0, payload: 0 };

  constructor(quic: QuicConnection, sink: Http3Sink, options: Http3Options = {}) {
    this.quic = quic;
    this.observer = options.observer;
    this.#sink = sink;
    const limits = options.fieldLimits ?? DEFAULT_FIELD_LIMITS;
    const qpack = { ...DEFAULT_QPACK_LIMITS, ...options.qpack };
    this.#local = ownSettings(quic.isServer, options, limits.sectionBytes, qpack);
    this.#grease = options.grease ?? 1;
    this.#remembered = options.remembered;
    this.#peer = options.remembered ?? INITIAL_SETTINGS;
    this.#control = new CriticalOutput(quic, StreamType.control);
    this.#coding = new FieldCoding(quic, limits, qpack, (error) => this.#fail(error));
    this.#requests = new RequestTable(this, sink, this.#coding, limits, this.#local.enableConnectProtocol);
    this.#peerStreams = new PeerStreams(
      {
        isServer: quic.isServer,
        peerSettings: (settings, stream) => this.#takeSettings(settings, stream),
        peerGoaway: (id, stream) => this.#takeGoaway(id, stream),
        observer: () => this.observer,
      },
      this.#coding,
      (stream, code) => quic.stopSending(stream, code),
    );
  }

  get isServer(): boolean {
    return this.quic.isServer;
  }

  /** What the peer allows; initial or remembered values until its SETTINGS arrive. */
  get peerSettings(): Http3Settings {
    return this.#peer;
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
    if (this.#started) return;
    this.#started = true;
    this.#control.write(settingsFrame(this.#local, this.#grease));
    this.observer?.settings('local', this.#control.stream, this.#local);
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
    if (this.#goawayReceived || this.#failed || this.#shuttingDown) return -1;
    if (head.protocol !== undefined && !this.#peer.enableConnectProtocol) return -1;
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
    if (stream !== undefined && !this.#failed) this.quic.consume(id, bytes);
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

  /**
   * Goes away gracefully (RFC 9114 §5.2). A server first calls it with `final` false, which stops new requests but
   * loses none of those on their way; about a round trip later with `final` true, which rejects what comes then.
   * `drained` follows when no request is left.
   */
  shutdown(final = true): void {
    if (this.#failed) return;
    this.start();
    this.#shuttingDown = true;
    const id = !this.isServer ? 0 : final ? this.#requests.rejectNew() : NOTHING_REJECTED;
    this.#control.write(goawayFrame(id));
    this.observer?.goaway('local', this.#control.stream, id);
    this.#checkDrained();
  }

  /** Closes the connection at once. */
  close(code: number = Http3ErrorCode.noError, reason = ''): void {
    if (this.#failed) return;
    this.#over();
    this.quic.close(code, reason);
  }

  // What QUIC tells (`ConnectionSink`).

  handshakeComplete(_quic: QuicConnection, info: HandshakeInfo): void {
    this.start();
    // RFC 9204 §3.2.3, RFC 9114 §7.2.4.2: without early data, nothing holds of what was remembered.
    if (info.earlyData === 'rejected') {
      this.#remembered = undefined;
      this.#peer = INITIAL_SETTINGS;
    }
    this.#sink.handshakeComplete(this, info);
  }

  handshakeConfirmed(): void {
    this.#sink.handshakeConfirmed(this);
  }

  streamData(_quic: QuicConnection, id: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    if (this.#failed) return;
    try {
      if ((id & 2) !== 0) {
        this.#peerStreams.data(id, buffer, start, end, fin);
        if (end > start) this.quic.consume(id, end - start);
      } else this.#requests.incoming(id)?.receive(buffer, start, end, fin);
    } catch (error) {
      this.#fail(error);
    }
  }

  streamReset(_quic: QuicConnection, id: number, code: number): void {
    if (this.#failed) return;
    try {
      if ((id & 2) !== 0) this.#peerStreams.reset(id);
      else this.#requests.reset(id, code);
    } catch (error) {
      this.#fail(error);
    }
  }

  streamStopSending(_quic: QuicConnection, id: number, code: number): void {
    if (this.#failed) return;
    if (id === this.#control.stream || this.#coding.isOurs(id)) {
      // RFC 9114 §6.2.1, RFC 9204 §4.2: the receiver must not ask for that.
      this.#fail(remoteError(Http3ErrorCode.closedCriticalStream, 'STOP_SENDING for a critical stream'));
      return;
    }
    const stream = this.#requests.get(id);
    if (stream === undefined || stream.sending === Sending.over) return;
    stream.sending = Sending.over;
    this.quic.reset(id, code);
    if (stream.announced) stream.sink.stopSending(this, id, code);
  }

  streamWritable(_quic: QuicConnection, id: number): void {
    const stream = this.#requests.get(id);
    if (stream?.announced) stream.sink.writable(this, id);
  }

  streamClosed(_quic: QuicConnection, id: number): void {
    this.#peerStreams.forget(id);
    const stream = this.#requests.remove(id);
    if (stream === undefined) return;
    if (stream.announced) stream.sink.closed(this, id);
    this.#checkDrained();
  }

  streamsAvailable(_quic: QuicConnection, bidirectional: boolean): void {
    if (bidirectional) this.#sink.streamsAvailable(this);
    else {
      this.#control.flush();
      this.#coding.flush();
    }
  }

  datagram(_quic: QuicConnection, buffer: Uint8Array, start: number, end: number): void {
    if (this.#failed) return;
    try {
      readQuarterStreamId(buffer, start, end, this.#quarter);
    } catch (error) {
      this.#fail(error);
      return;
    }
    const stream = this.#requests.getRecent(this.#quarter.stream);
    this.observer?.datagram('remote', this.#quarter.stream, end - this.#quarter.payload);
    if (stream === undefined || !stream.begun || stream.receivingOver) this.counters.receivedWithoutStream++;
    else if (stream.datagrams) stream.sink.datagram(this, stream.id, buffer, this.#quarter.payload, end);
    // RFC 9297 §2: this request gives datagrams no meaning.
    else this.#requests.abandon(stream, Http3ErrorCode.datagramError, 'datagram for a request without datagrams');
  }

  datagramWritable(): void {
    this.#sink.datagramWritable(this);
  }

  ticket(_quic: QuicConnection, data: Uint8Array): void {
    this.#sink.ticket(this, data);
  }

  closed(_quic: QuicConnection, info: CloseInfo, now: TimeUs): void {
    this.#over();
    this.#requests.closeAll(info.by === 'local' ? 'local' : 'remote', info.code, info.reason);
    this.#sink.connectionClosed(this, info, now);
  }

  #over(): void {
    this.#failed = true;
    this.#coding.stop();
  }

  /** Writes a HEADERS frame; what may be sent the caller knows. */
  writeHeaders(id: number, fields: Fields, fin: boolean): void {
    const frame = this.#coding.headers(id, fields);
    this.observer?.headers('local', id, fields, payloadBytes(frame));
    this.quic.write(id, frame, fin);
  }

  /** RFC 9114 §4.2.2: the peer would refuse more. */
  #fits(fields: Fields): boolean {
    return fieldSectionBytes(fields) <= this.#peer.maxFieldSectionBytes;
  }

  #sendable(id: number): RequestStream | undefined {
    const stream = this.#requests.get(id);
    if (stream === undefined || stream.sending === Sending.over) return undefined;
    if (stream.sending === Sending.head) throw localError('content before the head');
    return stream;
  }

  #datagramsAllowed(stream: RequestStream): boolean {
    // RFC 9297 §2.1, §2.1.1
    return stream.datagrams && stream.sending !== Sending.over && this.#local.h3Datagram && this.#peer.h3Datagram;
  }

  #takeSettings(settings: Http3Settings, stream: number): void {
    this.observer?.settings('remote', stream, settings);
    if (this.#remembered !== undefined) checkNotLowered(this.#remembered, settings);
    this.#peer = settings;
    this.#coding.peerSettings(settings);
    this.#sink.settings(this, settings);
  }

  #takeGoaway(id: number, stream: number): void {
    this.observer?.goaway('remote', stream, id);
    // A client's GOAWAY names a push, and we never push.
    if (this.isServer) return;
    this.#goawayReceived = true;
    this.#requests.rejected(id);
    this.#sink.goaway(this, id);
  }

  #checkDrained(): void {
    if (this.#shuttingDown && this.#requests.size === 0 && !this.#failed) this.#sink.drained(this);
  }

  /** The peer's errors end the connection; our own are somebody's bug and go on up. */
  #fail(error: unknown): void {
    if (!(error instanceof ProtocolError) || error.fault === 'local') throw error;
    this.close(error.code, error.message);
  }
}
