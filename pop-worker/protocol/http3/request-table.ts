import type { FieldLimits } from '#protocol/qpack/section-decoder.ts';
import type { Http3Sink, StreamSink } from './api.ts';
import type { Http3Connection } from './connection.ts';
import { Http3ErrorCode, remoteError } from './errors.ts';
import type { FieldCoding } from './field-coding.ts';
import type { RequestHead } from './message.ts';
import { RequestStream, Sending, type StreamOwner } from './request-stream.ts';

const TOO_LARGE = [{ name: ':status', value: '431' }];

/** The request streams of a connection: which there are, which are new, how they end before their time. */
export class RequestTable implements StreamOwner {
  readonly http3: Http3Connection;
  readonly isServer: boolean;
  readonly extendedConnect: boolean;
  readonly coding: FieldCoding;
  readonly maxFieldSectionBytes: number;
  readonly #sink: Http3Sink;
  readonly #streams = new Map<number, RequestStream>();
  /** Server: where the client's streams that were seen end. */
  #next = 0;
  /** Server: streams from here on are rejected. */
  #rejectFrom = Number.POSITIVE_INFINITY;
  /** The stream of the last datagram; they come in runs. */
  #last: RequestStream | undefined;

  constructor(
    http3: Http3Connection,
    sink: Http3Sink,
    coding: FieldCoding,
    limits: FieldLimits,
    extendedConnect: boolean,
  ) {
    this.http3 = http3;
    this.isServer = http3.quic.isServer;
    this.extendedConnect = extendedConnect;
    this.coding = coding;
    this.maxFieldSectionBytes = limits.sectionBytes;
    this.#sink = sink;
  }

  get size(): number {
    return this.#streams.size;
  }

  get(id: number): RequestStream | undefined {
    return this.#streams.get(id);
  }

  /** As `get`, for datagrams. */
  getRecent(id: number): RequestStream | undefined {
    if (this.#last?.id !== id) this.#last = this.#streams.get(id);
    return this.#last;
  }

  open(id: number, sink: StreamSink): RequestStream {
    const stream = new RequestStream(this, id, sink);
    this.#streams.set(id, stream);
    return stream;
  }

  remove(id: number): RequestStream | undefined {
    const stream = this.#streams.get(id);
    if (this.#last === stream) this.#last = undefined;
    this.#streams.delete(id);
    return stream;
  }

  /**
   * The stream that bytes or a reset belong to, new ones included; undefined when they are of no concern.
   *
   * @throws Http3Error H3_STREAM_CREATION_ERROR
   */
  incoming(id: number): RequestStream | undefined {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    if ((id & 1) !== 0) {
      // RFC 9114 §6.1: no extension that gives servers bidirectional streams was negotiated.
      throw remoteError(Http3ErrorCode.streamCreationError, 'bidirectional stream from a server');
    }
    // QUIC says nothing about a stream after it was closed, so what is unknown to a server is new; lower streams may
    // well come after higher ones (RFC 9000 §3.2).
    return this.isServer ? this.#accept(id) : undefined;
  }

  /** Server: requests that come from now on are rejected. @returns the first such stream (RFC 9114 §5.2) */
  rejectNew(): number {
    this.#rejectFrom = Math.min(this.#rejectFrom, this.#next);
    return this.#rejectFrom;
  }

  /** Client: the server did not process requests from this stream on. */
  rejected(from: number): void {
    for (const [id, stream] of this.#streams) {
      if (id >= from) this.abandon(stream, Http3ErrorCode.requestRejected, 'not processed by a server that goes away');
    }
  }

  /** Both directions end here, unless they have ended (RFC 9114 §4.1.1). */
  cancel(stream: RequestStream, code: number): void {
    const quic = this.http3.quic;
    if (stream.sending !== Sending.over) quic.reset(stream.id, code);
    // Also when all has arrived: content that the application has not consumed keeps the stream open otherwise.
    quic.stopSending(stream.id, code);
    stream.sending = Sending.over;
    stream.stopReceiving();
  }

  /** The peer reset its side. */
  reset(id: number, code: number): void {
    const stream = this.incoming(id);
    if (stream === undefined || stream.receivingOver) return;
    stream.stopReceiving();
    if (stream.announced) stream.sink.aborted(this.http3, id, { by: 'remote', code, reason: 'reset by the peer' });
    // RFC 9114 §4.1.1: no processing was performed.
    else this.cancel(stream, Http3ErrorCode.requestRejected);
  }

  /** The connection is over, and so is every stream. */
  closeAll(by: 'local' | 'remote', code: number, reason: string): void {
    for (const [id, stream] of this.#streams) {
      this.remove(id);
      if (!stream.announced) continue;
      if (!stream.receivingOver) {
        stream.stopReceiving();
        stream.sink.aborted(this.http3, id, { by, code, reason });
      }
      stream.sink.closed(this.http3, id);
    }
  }

  request(stream: RequestStream, head: RequestHead): void {
    this.#sink.request(this.http3, stream.id, head);
  }

  abandon(stream: RequestStream, code: number, reason: string): void {
    const tell = stream.announced && !stream.receivingOver;
    this.cancel(stream, code);
    if (tell) stream.sink.aborted(this.http3, stream.id, { by: 'local', code, reason });
  }

  tooLarge(stream: RequestStream): void {
    if (!this.isServer || stream.announced) {
      this.abandon(stream, Http3ErrorCode.excessiveLoad, 'field section too large');
      return;
    }
    // RFC 9114 §4.2.2, RFC 6585 §5
    stream.sending = Sending.over;
    stream.stopReceiving();
    this.http3.writeHeaders(stream.id, TOO_LARGE, true);
    this.http3.quic.stopSending(stream.id, Http3ErrorCode.noError);
  }

  consume(stream: RequestStream, bytes: number): void {
    this.http3.quic.consume(stream.id, bytes);
  }

  #accept(id: number): RequestStream | undefined {
    this.#next = Math.max(this.#next, id + 4);
    this.http3.observer?.streamType('remote', id, undefined);
    if (id < this.#rejectFrom) return this.open(id, this.#sink);
    // RFC 9114 §5.2, §4.1.1
    this.http3.quic.reset(id, Http3ErrorCode.requestRejected);
    this.http3.quic.stopSending(id, Http3ErrorCode.requestRejected);
    this.coding.cancel(id);
    return undefined;
  }
}
