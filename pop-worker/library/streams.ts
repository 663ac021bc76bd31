import type { QuicConnection } from '#protocol/quic/api.ts';
import { codeOf, QuicStreamError } from './errors.ts';
import { Inflow } from './inflow.ts';
import { Outflow } from './outflow.ts';

/** A stream that both sides send on. */
export interface BidirectionalStream {
  /** QUIC's own number (RFC 9000 §2.1). */
  readonly id: number;
  /** Cancelling it sends STOP_SENDING, with the code of a `QuicStreamError`, else 0. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Aborting it sends RESET_STREAM, with the code of a `QuicStreamError`, else 0. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Which directions this side has of a stream. */
type Directions = { readonly reads: boolean; readonly writes: boolean };

/** One stream as Web Streams. The session tells it what QUIC tells. */
export class WebStream {
  readonly id: number;
  readonly #inflow: Inflow | undefined;
  readonly #outflow: Outflow | undefined;

  constructor(connection: QuicConnection, id: number, { reads, writes }: Directions) {
    this.id = id;
    if (reads) {
      this.#inflow = new Inflow({
        consume: (bytes) => connection.consume(id, bytes),
        cancel: (reason) => connection.stopSending(id, codeOf(reason)),
      });
    }
    if (writes) {
      this.#outflow = new Outflow({
        write: (chunk, fin) => connection.write(id, chunk, fin),
        buffered: () => connection.bufferedBytes(id),
        reset: (reason) => connection.reset(id, codeOf(reason)),
      });
    }
  }

  get bidirectional(): BidirectionalStream {
    return { id: this.id, readable: this.readable, writable: this.writable };
  }

  get readable(): ReadableStream<Uint8Array> {
    if (this.#inflow === undefined) throw new Error('this side only writes');
    return this.#inflow.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    if (this.#outflow === undefined) throw new Error('this side only reads');
    return this.#outflow.writable;
  }

  received(bytes: Uint8Array, fin: boolean): void {
    this.#inflow?.received(bytes);
    if (fin) this.#inflow?.end();
  }

  wasReset(code: number): void {
    this.#inflow?.fail(new QuicStreamError('reset', code));
  }

  wasStopped(code: number): void {
    this.#outflow?.fail(new QuicStreamError('stopped', code));
  }

  mayWrite(): void {
    this.#outflow?.mayWrite();
  }

  /** The connection is over. */
  fail(error: Error): void {
    this.#inflow?.fail(error);
    this.#outflow?.fail(error);
  }
}
