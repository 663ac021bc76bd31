import type { ClientHttp2Session, Http2Session, Http2Stream, ServerHttp2Stream } from 'node:http2';
import type { StreamSink } from '#protocol/http3/api.ts';
import { CAPSULE_QUEUE_BYTES } from '#protocol/http3/capsules.ts';
import { Http3ErrorCode, localError } from '#protocol/http3/errors.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import { parseRequest, parseResponse } from '#protocol/http3/message.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import { toHttp2Code } from './error-codes.ts';
import { Http2Exchange } from './exchange.ts';
import { fromRawHeaders, toHeaders } from './fields.ts';

export interface Http2Events {
  /** Content that came together has been handed over. */
  turnOver(): void;
  /** `datagramRoom` may be more than it was. */
  mayHaveRoom?(): void;
}

/**
 * One HTTP/2 connection (RFC 9113) as tunnels use it: what they send over HTTP/3 as datagrams goes in capsules here
 * (RFC 9297 §3.5). Streams have numbers of our own, in the order in which they began.
 */
export class Http2Connection implements HttpConnection {
  readonly session: Http2Session;
  readonly isServer: boolean;
  readonly #exchanges = new Map<number, Http2Exchange>();
  readonly #events: Http2Events;
  #next = 0;
  #turning = false;

  constructor(session: Http2Session, isServer: boolean, events: Http2Events) {
    this.session = session;
    this.isServer = isServer;
    this.#events = events;
  }

  get openRequests(): number {
    return this.#exchanges.size;
  }

  /** Bytes of all streams that the kernel has not got. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const { queuedBytes } of this.#exchanges.values()) bytes += queuedBytes;
    return bytes;
  }

  /** A stream that a client opened. @returns its number */
  take(stream: ServerHttp2Stream, sink: StreamSink): number {
    return this.#begin(stream, sink);
  }

  openRequest(fields: Fields, fin: boolean, sink: StreamSink): number {
    const head = parseRequest(fields, true);
    if (typeof head === 'string') throw localError(head);
    if (this.isServer) throw localError('servers do not request');
    const session = this.session as ClientHttp2Session;
    if (session.closed || session.destroyed) return -1;
    if (head.protocol !== undefined && session.remoteSettings?.enableConnectProtocol !== true) return -1;
    const stream = session.request(toHeaders(fields), { endStream: fin });
    const id = this.#begin(stream, sink);
    stream.on('response', (_headers, _flags, raw: string[]) => {
      const response = parseResponse(fromRawHeaders(raw));
      if (typeof response === 'string') this.#exchanges.get(id)?.fail(Http3ErrorCode.messageError, response);
      else this.#exchanges.get(id)?.sink.response(this, id, response);
    });
    return id;
  }

  respond(id: number, fields: Fields, fin: boolean): boolean {
    const stream = this.#exchanges.get(id)?.stream as ServerHttp2Stream | undefined;
    if (stream === undefined || stream.closed || stream.destroyed) return false;
    if (stream.headersSent) throw localError('response out of place');
    stream.respond(toHeaders(fields), { endStream: fin });
    return true;
  }

  sendBody(id: number, chunk: Uint8Array, fin: boolean): boolean {
    return this.#exchanges.get(id)?.send(chunk, fin) ?? false;
  }

  bufferedBytes(id: number): number {
    return this.#exchanges.get(id)?.queuedBytes ?? 0;
  }

  consume(id: number, bytes: number): void {
    this.#exchanges.get(id)?.consume(bytes);
  }

  cancel(id: number, code: number = Http3ErrorCode.requestCancelled): boolean {
    return this.#exchanges.get(id)?.cancel(toHttp2Code(code)) ?? false;
  }

  stopReading(id: number): boolean {
    return this.#exchanges.get(id)?.stopReading() ?? false;
  }

  attach(id: number, sink: StreamSink): boolean {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return false;
    exchange.sink = sink;
    return true;
  }

  maxDatagramBytes(): number {
    return 0;
  }

  sendDatagram(): boolean {
    return false;
  }

  datagramRoom(): number {
    return this.session.destroyed ? 0 : Math.max(0, CAPSULE_QUEUE_BYTES - this.queuedBytes);
  }

  /** Says goodbye (GOAWAY) and ends all streams. */
  close(code: number = Http3ErrorCode.noError): void {
    if (this.session.destroyed) return;
    this.session.goaway(toHttp2Code(code));
    this.session.destroy();
  }

  #begin(stream: Http2Stream, sink: StreamSink): number {
    const id = this.#next++;
    const events = {
      received: () => this.#received(),
      drained: () => this.#events.mayHaveRoom?.(),
      over: () => this.#exchanges.delete(id),
    };
    this.#exchanges.set(id, new Http2Exchange(this, id, stream, sink, events));
    return id;
  }

  #received(): void {
    if (this.#turning) return;
    this.#turning = true;
    process.nextTick(() => {
      this.#turning = false;
      this.#events.turnOver();
    });
  }
}
