/** A piece of a stream: bytes in order, its end, or its reset. */
export interface StreamPiece {
  readonly stream: number;
  readonly bytes: Uint8Array;
  /** Nothing comes after it. */
  readonly fin: boolean;
  /** The other side gave the stream up, with this code; undefined: it did not. */
  readonly reset: number | undefined;
}

const NOTHING = new Uint8Array();

/** Pieces that wait for a reader. Those of streams that are over have no other limit. */
export const MAX_WAITING_PIECES = 65_536;

export interface BatchesOwner {
  /** Gives the sender credit. */
  consume(stream: number, bytes: number): void;
  /** Nobody reads, and no more is kept. */
  overflow(): void;
}

/** Collects what a turn of the event loop brings. One reader. */
export class Batches implements AsyncIterable<readonly StreamPiece[]> {
  readonly #owner: BatchesOwner;
  #pieces: StreamPiece[] = [];
  /** What the reader has in hand: its credit goes back when the reader comes again. */
  #lent: readonly StreamPiece[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(owner: BatchesOwner) {
    this.#owner = owner;
  }

  received(stream: number, bytes: Uint8Array, fin: boolean): void {
    this.#add({ stream, bytes: bytes.slice(), fin, reset: undefined });
  }

  wasReset(stream: number, code: number): void {
    this.#add({ stream, bytes: NOTHING, fin: false, reset: code });
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly StreamPiece[], void> {
    for (;;) {
      this.#giveCredit();
      if (this.#pieces.length === 0) {
        if (this.#ended) return;
        // Resolved in the turn that brought the first piece, taken after it: the others of the turn are in the list.
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#lent = this.#pieces;
      this.#pieces = [];
      yield this.#lent;
    }
  }

  #add(piece: StreamPiece): void {
    if (this.#pieces.length >= MAX_WAITING_PIECES) {
      this.#owner.overflow();
      return;
    }
    this.#pieces.push(piece);
    this.#wake?.();
    this.#wake = undefined;
  }

  #giveCredit(): void {
    if (!this.#ended) {
      for (const { stream, bytes } of this.#lent) if (bytes.length > 0) this.#owner.consume(stream, bytes.length);
    }
    this.#lent = [];
  }
}
