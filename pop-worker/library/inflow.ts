export interface InflowSource {
  /** Gives the sender credit for bytes that are in the reader's reach. */
  consume(bytes: number): void;
  /** The reader wants no more. */
  cancel(reason: unknown): void;
}

/**
 * Bytes in order, from a connection that lends them for a moment to a Web Stream that is read when it suits. What nobody
 * asked for is held here without credit, also behind the end: so a stream that is not read stays open and counts, and a
 * peer fills no more than its flow-control window.
 */
export class Inflow {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #source: InflowSource;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #held: Uint8Array[] = [];
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
    this.#held.push(bytes.slice());
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
    if (this.#held.length > 0 && this.#wanted) {
      const pieces = this.#held;
      this.#held = [];
      this.#wanted = false;
      let bytes = 0;
      for (const piece of pieces) {
        this.#controller?.enqueue(piece);
        bytes += piece.length;
      }
      this.#source.consume(bytes);
    }
    if (!this.#ended || this.#held.length > 0) return;
    this.#controller?.close();
    this.#controller = undefined;
  }

  #forget(): void {
    this.#controller = undefined;
    this.#held = [];
  }
}
