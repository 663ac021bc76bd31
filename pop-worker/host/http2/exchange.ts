import { constants, type Http2Stream } from 'node:http2';
import type { StreamSink } from '#protocol/http3/api.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import { fromHttp2Code, toHttp2Code } from './error-codes.ts';

/** Bytes that are handed over and not given back before no more are read: the window of a stream. */
const MOST_UNCONSUMED = 1 << 20;
export interface ExchangeEvents {
  /** Content was handed over. */
  received(): void;
  /** What was queued is with the kernel. */
  drained(): void;
  over(): void;
}

/** One request and its response. */
export class Http2Exchange {
  readonly stream: Http2Stream;
  sink: StreamSink;
  readonly #http: HttpConnection;
  readonly #id: number;
  readonly #events: ExchangeEvents;
  #unconsumed = 0;
  #ignores = false;
  /** What the peer says of it does not count any more: we ended it. */
  #cancelled = false;
  #corked = false;

  constructor(http: HttpConnection, id: number, stream: Http2Stream, sink: StreamSink, events: ExchangeEvents) {
    this.#http = http;
    this.#id = id;
    this.stream = stream;
    this.sink = sink;
    this.#events = events;
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    stream.on('end', () => {
      if (!this.#ignores && !this.#cancelled && !stream.aborted) this.sink.end(http, id);
    });
    stream.on('drain', () => {
      this.#events.drained();
      this.sink.writable(http, id);
    });
    // What it was is told by 'close'.
    stream.on('error', () => {});
    stream.on('close', () => this.#close());
  }

  /** Bytes that the kernel has not got. */
  get queuedBytes(): number {
    return this.stream.writableLength;
  }

  /** Many small pieces of one turn leave in one go. */
  send(chunk: Uint8Array, fin: boolean): boolean {
    const { stream } = this;
    if (this.#cancelled || stream.destroyed || stream.writableEnded) return false;
    if (!this.#corked && !fin) {
      this.#corked = true;
      stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        stream.uncork();
      });
    }
    if (chunk.length > 0) stream.write(chunk);
    if (fin) stream.end();
    return true;
  }

  consume(bytes: number): void {
    this.#unconsumed -= bytes;
    if (this.#unconsumed < MOST_UNCONSUMED && this.stream.isPaused()) this.stream.resume();
  }

  /** @param code of RFC 9113 §7 */
  cancel(code: number): boolean {
    if (this.#cancelled) return false;
    this.#cancelled = true;
    this.stream.close(code);
    return true;
  }

  /** The peer broke a rule. @param code of RFC 9114 §8.1 */
  fail(code: number, reason: string): void {
    if (!this.cancel(toHttp2Code(code))) return;
    this.sink.aborted(this.#http, this.#id, { by: 'local', code, reason });
  }

  /** What still comes is thrown away; once our own side is done the peer is told to stop (RFC 9113 §8.1). */
  stopReading(): boolean {
    const { stream } = this;
    if (this.#ignores || this.#cancelled) return false;
    this.#ignores = true;
    stream.resume();
    const stop = (): void => stream.close(constants.NGHTTP2_NO_ERROR);
    if (stream.writableFinished) stop();
    else stream.once('finish', stop);
    return true;
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ignores || this.#cancelled) return;
    this.#unconsumed += chunk.length;
    this.sink.body(this.#http, this.#id, chunk, 0, chunk.length);
    this.#events.received();
    if (this.#unconsumed >= MOST_UNCONSUMED) this.stream.pause();
  }

  #close(): void {
    const { stream } = this;
    this.#events.over();
    const code = fromHttp2Code(stream.rstCode ?? constants.NGHTTP2_CANCEL);
    const isWhole = stream.readableEnded && code === Http3ErrorCode.noError;
    if (!isWhole && !this.#cancelled && !this.#ignores)
      this.sink.aborted(this.#http, this.#id, { by: 'remote', code, reason: 'the stream was reset' });
    this.sink.closed(this.#http, this.#id);
  }
}
