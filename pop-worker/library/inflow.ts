/** Bytes that wait to be read before the sender is held back. */
const READ_AHEAD_BYTES = 1 << 18;

export interface InflowSource {
  /** Gives the sender credit for bytes that were read, or are in the reader's reach. */
  consume(bytes: number): void;
  /** The reader wants no more. */
  cancel(reason: unknown): void;
}

/** Bytes in order, from a connection that lends them for a moment to a Web Stream that is read when it suits. */
export class Inflow {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #source: InflowSource;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Bytes handed on whose flow-control credit waits for the reader. */
  #owed = 0;

  constructor(source: InflowSource) {
    this.#source = source;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#giveCredit(),
        cancel: (reason) => {
          this.#controller = undefined;
          source.cancel(reason);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES }),
    );
  }

  /** @param bytes lent: they are copied */
  received(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#controller === undefined) {
      this.#source.consume(bytes.length);
      return;
    }
    this.#owed += bytes.length;
    this.#controller.enqueue(bytes.slice());
    if ((this.#controller.desiredSize ?? 0) > 0) this.#giveCredit();
  }

  /** No more comes. What waits stays to be read; its credit would help nobody. */
  end(): void {
    this.#giveCredit();
    this.#controller?.close();
    this.#controller = undefined;
  }

  fail(error: Error): void {
    this.#controller?.error(error);
    this.#controller = undefined;
  }

  #giveCredit(): void {
    if (this.#owed > 0) this.#source.consume(this.#owed);
    this.#owed = 0;
  }
}
