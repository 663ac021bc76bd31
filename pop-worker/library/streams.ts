import type { QuicConnection } from '#protocol/quic/api.ts';
import { codeOf, QuicStreamError } from './errors.ts';

/** A stream that both sides send on. */
export interface BidirectionalStream {
  /** QUIC's own number (RFC 9000 §2.1). */
  readonly id: number;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Bytes that wait to be read before the sender is held back, and that wait to be sent before the writer is. */
const READ_AHEAD_BYTES = 1 << 18;
const WRITE_AHEAD_BYTES = 1 << 18;
const EMPTY = new Uint8Array();

/** One stream as Web Streams. The hub tells it what QUIC tells. */
export class WebStream {
  readonly id: number;
  readonly #connection: QuicConnection;
  #reading: ReadableStreamDefaultController<Uint8Array> | undefined;
  #writing: WritableStreamDefaultController | undefined;
  /** Bytes handed on whose flow-control credit waits for the reader. */
  #owed = 0;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(connection: QuicConnection, id: number) {
    this.#connection = connection;
    this.id = id;
  }

  /** What arrives. Cancelling it sends STOP_SENDING, with the code of a `QuicStreamError`, else 0. */
  readable(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#reading = controller;
        },
        pull: () => this.#giveCredit(),
        cancel: (reason) => {
          this.#reading = undefined;
          this.#connection.stopSending(this.id, codeOf(reason));
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES }),
    );
  }

  /** What is sent. A chunk is copied. Aborting it sends RESET_STREAM, with the code of a `QuicStreamError`, else 0. */
  writable(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#writing = controller;
      },
      write: (chunk) => {
        if (!(chunk instanceof Uint8Array)) throw new TypeError('a QUIC stream takes Uint8Array');
        this.#connection.write(this.id, chunk.slice(), false);
        if (this.#connection.bufferedBytes(this.id) < WRITE_AHEAD_BYTES) return undefined;
        this.#room ??= Promise.withResolvers();
        return this.#room.promise;
      },
      close: () => {
        this.#writing = undefined;
        this.#connection.write(this.id, EMPTY, true);
      },
      abort: (reason) => {
        this.#writing = undefined;
        this.#connection.reset(this.id, codeOf(reason));
      },
    });
  }

  received(bytes: Uint8Array, fin: boolean): void {
    const { length } = bytes;
    if (this.#reading === undefined) this.#connection.consume(this.id, length);
    else if (length > 0) {
      this.#owed += length;
      this.#reading.enqueue(bytes.slice());
      if ((this.#reading.desiredSize ?? 0) > 0) this.#giveCredit();
    }
    if (!fin) return;
    // The rest is in the reader's queue; the credit of a finished stream is only a formality.
    this.#giveCredit();
    this.#reading?.close();
    this.#reading = undefined;
  }

  wasReset(code: number): void {
    this.#failReading(new QuicStreamError('reset', code));
  }

  wasStopped(code: number): void {
    this.#failWriting(new QuicStreamError('stopped', code));
  }

  mayWrite(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** The connection is over. */
  fail(error: Error): void {
    this.#failReading(error);
    this.#failWriting(error);
  }

  #failReading(error: Error): void {
    this.#reading?.error(error);
    this.#reading = undefined;
  }

  #failWriting(error: Error): void {
    this.#writing?.error(error);
    this.#writing = undefined;
    this.mayWrite();
  }

  #giveCredit(): void {
    if (this.#owed > 0) this.#connection.consume(this.id, this.#owed);
    this.#owed = 0;
  }
}
