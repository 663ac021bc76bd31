/** One direction of a stream in memory: what waits, what the receiver allows, how it ends. */
export class Half {
  readonly chunks: Uint8Array[] = [];
  buffered = 0;
  /** Bytes the receiver still allows on this stream. */
  window: number;
  /** Handed over and not yet consumed. */
  unconsumed = 0;
  fin = false;
  finDelivered = false;
  resetCode = -1;
  resetDelivered = false;
  /** The receiver asked to stop; not yet told to the sender. */
  stopCode = -1;
  stopDelivered = false;
  writableOwed = false;
  #offset = 0;

  constructor(window: number) {
    this.window = window;
  }

  /** RFC 9000 §3.2: all was read, or the reset was, or nobody wants to know. */
  get over(): boolean {
    return this.resetDelivered || (this.finDelivered && (this.unconsumed === 0 || this.stopCode >= 0));
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    this.writableOwed = true;
  }

  /** Takes up to so many bytes off the queue, copied into `out` at `at`. */
  take(bytes: number, out: Uint8Array, at: number): void {
    let left = bytes;
    let to = at;
    while (left > 0) {
      const chunk = this.chunks[0] as Uint8Array;
      const piece = chunk.subarray(this.#offset, this.#offset + left);
      out.set(piece, to);
      to += piece.length;
      left -= piece.length;
      this.#offset += piece.length;
      if (this.#offset === chunk.length) {
        this.chunks.shift();
        this.#offset = 0;
      }
    }
    this.buffered -= bytes;
  }
}
