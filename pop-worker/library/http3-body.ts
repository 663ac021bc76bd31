import type { Http3Connection } from '#protocol/http3/connection.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';

const READ_AHEAD_BYTES = 1 << 18;
const WRITE_AHEAD_BYTES = 1 << 18;
const EMPTY = new Uint8Array();

/** The content of one message that arrives, as a Web Stream. */
export class IncomingBody {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #http3: Http3Connection;
  readonly #stream: number;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #owed = 0;

  constructor(http3: Http3Connection, stream: number) {
    this.#http3 = http3;
    this.#stream = stream;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#giveCredit(),
        cancel: () => {
          this.#controller = undefined;
          http3.stopReading(stream, Http3ErrorCode.requestCancelled);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES }),
    );
  }

  received(bytes: Uint8Array): void {
    if (this.#controller === undefined) {
      this.#http3.consume(this.#stream, bytes.length);
      return;
    }
    this.#owed += bytes.length;
    this.#controller.enqueue(bytes.slice());
    if ((this.#controller.desiredSize ?? 0) > 0) this.#giveCredit();
  }

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
    if (this.#owed > 0) this.#http3.consume(this.#stream, this.#owed);
    this.#owed = 0;
  }
}

/** Sends the content of one message and waits where the path is slower than its source. */
export class OutgoingBody {
  readonly #http3: Http3Connection;
  readonly #stream: number;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #over = false;

  constructor(http3: Http3Connection, stream: number) {
    this.#http3 = http3;
    this.#stream = stream;
  }

  mayWrite(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#over = true;
    this.mayWrite();
  }

  /** Resolves when all was taken over by the connection, or nobody wants the rest. */
  async send(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#over) break;
        if (done) {
          this.#http3.sendBody(this.#stream, EMPTY, true);
          return;
        }
        this.#http3.sendBody(this.#stream, value, false);
        await this.#waitForRoom();
      }
      await reader.cancel();
    } catch (error) {
      // Half a message must not look like a whole one (RFC 9114 §4.1.1).
      this.#http3.cancel(this.#stream, Http3ErrorCode.internalError);
      throw error;
    }
  }

  async #waitForRoom(): Promise<void> {
    if (this.#over || this.#http3.bufferedBytes(this.#stream) < WRITE_AHEAD_BYTES) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
  }
}
