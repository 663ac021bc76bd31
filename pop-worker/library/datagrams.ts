import type { QuicConnection } from '#protocol/quic/api.ts';

/** DATAGRAM frames that wait to be read; more are dropped and counted. */
const READ_AHEAD = 1024;

/** DATAGRAMs (RFC 9221) as Web Streams: each chunk is one of them. They may be lost, and come in any order. */
export class WebDatagrams {
  /** Those that came, copied. What comes while 1,024 wait is dropped and counted. */
  readonly readable: ReadableStream<Uint8Array>;
  /** A chunk that is larger than `maxDatagramSize` is dropped and counted. */
  readonly writable: WritableStream<Uint8Array>;
  /** Those that came while `READ_AHEAD` waited, and those that were too large to send. */
  dropped = 0;
  readonly #connection: () => QuicConnection;
  #reading: ReadableStreamDefaultController<Uint8Array> | undefined;
  #writing: WritableStreamDefaultController | undefined;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** @internal */
  constructor(connection: () => QuicConnection) {
    this.#connection = connection;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#reading = controller;
        },
        cancel: () => {
          this.#reading = undefined;
        },
      },
      new CountQueuingStrategy({ highWaterMark: READ_AHEAD }),
    );
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#writing = controller;
      },
      write: (chunk) => this.#send(chunk),
    });
  }

  /** The largest payload that goes through now, in bytes; 0: the other side takes none. */
  get maxDatagramSize(): number {
    return this.#connection().maxDatagramBytes();
  }

  /** @internal */
  received(bytes: Uint8Array): void {
    if (this.#reading === undefined || (this.#reading.desiredSize ?? 0) <= 0) this.dropped++;
    else this.#reading.enqueue(bytes.slice());
  }

  /** @internal */
  mayWrite(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** @internal */
  fail(error: Error): void {
    this.#reading?.error(error);
    this.#reading = undefined;
    this.#writing?.error(error);
    this.#writing = undefined;
    this.mayWrite();
  }

  /** One that is too large is dropped: the stream goes on for those that are not. */
  async #send(chunk: Uint8Array): Promise<void> {
    const connection = this.#connection();
    while (this.#writing !== undefined) {
      if (connection.sendDatagram(chunk, 0, chunk.length)) return;
      if (chunk.length > connection.maxDatagramBytes()) {
        this.dropped++;
        return;
      }
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
  }
}
