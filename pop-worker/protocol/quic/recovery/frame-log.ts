import { localError, TransportError } from '../errors.ts';

/** Numbers of one record: kind, a, b, c. */
export const RECORD_WORDS = 4;

const START_RECORDS = 32;
const NO_WORDS = new Float64Array(0);

/**
 * What packets carried, as a ring of records of four numbers. Records have absolute indices that only grow; a packet
 * knows its first one and how many it has. Grows by doubling up to a stated maximum and never shrinks by itself.
 */
export class FrameLog {
  /** 4 numbers a record; record i begins at `offset(i)`. */
  words: Float64Array = NO_WORDS;
  /** Index of the oldest record that is still needed. */
  base = 0;
  /** Index that the next record gets. */
  next = 0;
  readonly #maxRecords: number;
  #mask = -1;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  hasRoom(records: number): boolean {
    return this.next - this.base + records <= this.#maxRecords;
  }

  offset(index: number): number {
    return (index & this.#mask) * RECORD_WORDS;
  }

  push(kind: number, a: number, b: number, c: number): void {
    if (this.next - this.base > this.#mask) this.#grow();
    const at = (this.next & this.#mask) * RECORD_WORDS;
    const words = this.words;
    words[at] = kind;
    words[at + 1] = a;
    words[at + 2] = b;
    words[at + 3] = c;
    this.next++;
  }

  /** Forgets everything and gives the memory back. */
  release(): void {
    this.base = this.next;
    this.words = NO_WORDS;
    this.#mask = -1;
  }

  #grow(): void {
    if (this.next - this.base >= this.#maxRecords) throw localError(TransportError.internalError, 'frame log is full');
    const old = this.words;
    const oldMask = this.#mask;
    this.#mask = Math.max(START_RECORDS, 2 * (oldMask + 1)) - 1;
    this.words = new Float64Array((this.#mask + 1) * RECORD_WORDS);
    for (let i = this.base; i < this.next; i++) {
      const from = (i & oldMask) * RECORD_WORDS;
      this.words.set(old.subarray(from, from + RECORD_WORDS), this.offset(i));
    }
  }
}
