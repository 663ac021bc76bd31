/** Bytes of messages that wait to be sent; all but UPDATEs, so never many. */
export class MessageQueue {
  #bytes = new Uint8Array(64);
  length = 0;

  /** Adds a message. @param most that it can have @param write it, from that offset on; @returns the offset behind it */
  add(most: number, write: (buffer: Uint8Array, at: number) => number): void {
    if (this.length + most > this.#bytes.length) {
      const longer = new Uint8Array(this.length + most);
      longer.set(this.#bytes.subarray(0, this.length));
      this.#bytes = longer;
    }
    this.length = write(this.#bytes, this.length);
  }

  /** Moves what fits to the front of `out`. @returns how many bytes that are */
  take(out: Uint8Array): number {
    const bytes = Math.min(out.length, this.length);
    out.set(this.#bytes.subarray(0, bytes));
    this.#bytes.copyWithin(0, bytes, this.length);
    this.length -= bytes;
    return bytes;
  }

  clear(): void {
    this.length = 0;
  }
}
