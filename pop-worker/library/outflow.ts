/** Bytes that wait to be sent before the writer is held back. */
const WRITE_AHEAD_BYTES = 1 << 18;
const EMPTY = new Uint8Array();

export interface OutflowTarget {
  /** Takes the chunk over. */
  write(chunk: Uint8Array, fin: boolean): void;
  /** Bytes taken over and not yet sent. */
  buffered(): number;
  /** The writer gives up. */
  reset(reason: unknown): void;
}

/** A Web Stream whose writer waits where the path is slower. */
export class Outflow {
  readonly writable: WritableStream<Uint8Array>;
  #controller: WritableStreamDefaultController | undefined;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(target: OutflowTarget) {
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      write: (chunk) => {
        if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream of bytes takes Uint8Array');
        // The writer may use its buffer again; what was sent may have to be sent once more.
        target.write(chunk.slice(), false);
        if (target.buffered() < WRITE_AHEAD_BYTES) return undefined;
        this.#room ??= Promise.withResolvers();
        return this.#room.promise;
      },
      close: () => {
        this.#controller = undefined;
        target.write(EMPTY, true);
      },
      abort: (reason) => {
        this.#controller = undefined;
        target.reset(reason);
      },
    });
  }

  /** All that was taken over has been sent. */
  mayWrite(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Nobody takes more. */
  fail(error: Error): void {
    this.#controller?.error(error);
    this.#controller = undefined;
    this.mayWrite();
  }
}
