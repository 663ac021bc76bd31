import { KeptBytes } from '#protocol/quic/kept-bytes.ts';

export interface InflowSource {
  /** Gives the sender credit for bytes that are in the reader's reach. */
  consume(bytes: number): void;
  /** The reader wants no more. */
  cancel(reason: unknown): void;
}

/**
 * Bytes in order, from a connection that lends them for a moment to a Web Stream that is read when it suits. What nobody
 * asked for is held here without credit, also behind the end: so a stream that is not read stays open and counts, and a
 * peer fills no more than its flow-control window; the memory is at most twice that, however small the frames. What a
 * reader asked for and has not taken yet is as much again.
 */
export class Inflow {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #source: InflowSource;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #held = new KeptBytes();
  /** Somebody reads, and has nothing. */
  #wanted = false;
  #ended = false;

  constructor(source: InflowSource) {
    this.#source = source;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#wanted = true;
          this.#pass();
        },
        cancel: (reason) => {
          this.#forget();
          source.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** @param bytes lent: they are copied */
  received(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#controller === undefined) {
      this.#source.consume(bytes.length);
      return;
    }
    this.#held.add(bytes, 0, bytes.length);
    if (this.#wanted) this.#pass();
  }

  /** No more comes. What is held stays to be read. */
  end(): void {
    this.#ended = true;
    this.#pass();
  }

  fail(error: Error): void {
    this.#controller?.error(error);
    this.#forget();
  }

  /** Hands on what is held, if it is wanted, and closes behind the end. */
  #pass(): void {
    if (this.#held.bytes > 0 && this.#wanted) {
      const { bytes } = this.#held;
      this.#wanted = false;
      for (const piece of this.#held.take()) this.#controller?.enqueue(piece);
      this.#source.consume(bytes);
    }
    if (!this.#ended || this.#held.bytes > 0) return;
    this.#controller?.close();
    this.#controller = undefined;
  }

  #forget(): void {
    this.#controller = undefined;
    this.#held.clear();
  }
}
