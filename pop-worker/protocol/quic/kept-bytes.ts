import { copyBytes } from './copy.ts';

/** Largest block that small pieces are gathered in. */
export const KEPT_BLOCK_BYTES = 4096;

/**
 * Bytes in order that were lent for a moment and are kept until somebody takes them. However small the pieces that they
 * come in, few objects hold them: the first is copied as it is, later ones fill blocks as large as what is kept already, of
 * 4096 bytes at most. So blocks have room for twice the bytes at most, and there are no more of them than 14 and one for
 * each 4096 bytes.
 */
export class KeptBytes {
  #blocks: Uint8Array[] = [];
  /** Bytes in the last block. */
  #filled = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @param buffer lent: bytes from start to end are copied */
  add(buffer: Uint8Array, start: number, end: number): void {
    const from = this.#fill(buffer, start, end);
    if (from < end) {
      const room = Math.min(this.#bytes, KEPT_BLOCK_BYTES);
      if (end - from >= room) this.#blocks.push(new Uint8Array(buffer.subarray(from, end)));
      else {
        const block = new Uint8Array(room);
        copyBytes(block, 0, buffer, from, end);
        this.#blocks.push(block);
      }
      this.#filled = end - from;
    }
    this.#bytes += end - start;
  }

  /** @returns all that was kept, which nobody else holds any more; no piece is empty */
  take(): Uint8Array[] {
    const blocks = this.#blocks;
    const last = blocks.at(-1);
    if (last !== undefined && this.#filled < last.length) blocks[blocks.length - 1] = last.subarray(0, this.#filled);
    this.clear();
    return blocks;
  }

  clear(): void {
    this.#blocks = [];
    this.#filled = 0;
    this.#bytes = 0;
  }

  /** @returns where the last block was full */
  #fill(buffer: Uint8Array, start: number, end: number): number {
    const last = this.#blocks.at(-1);
    if (last === undefined) return start;
    const to = Math.min(end, start + last.length - this.#filled);
    copyBytes(last, this.#filled, buffer, start, to);
    this.#filled += to - start;
    return to;
  }
}
