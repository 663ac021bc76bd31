/** Words that travel with the bytes of a record. */
export const META_WORDS = 16;

const HEADER_WORDS = 4 + META_WORDS;
const HEADER_BYTES = HEADER_WORDS * 4;
const ALIGN_BYTES = 16;
/** Head and tail lie in cache lines of their own. */
const CONTROL_BYTES = 128;
const HEAD = 0;
const TAIL = 16;
/** Kind of what fills the end of the ring, where the next record does not fit; no record has it. */
const SKIP = 0;

/** Bytes that records take, of which one holds at most a quarter. @param bytes a power of two, at least 1024 */
export const allocateRing = (bytes: number): SharedArrayBuffer => {
  if (bytes < 1024 || (bytes & (bytes - 1)) !== 0)
    throw new RangeError('a ring has 1024 bytes or more, a power of two');
  return new SharedArrayBuffer(CONTROL_BYTES + bytes);
};

/** `TypedArray.set` copies shared memory element by element: 3 to 5 times slower. */
const copy = (source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void => {
  Buffer.prototype.copy.call(source, target, at, start, end);
};

class Ring {
  protected readonly control: Int32Array;
  protected readonly words: Int32Array;
  protected readonly bytes: Buffer;
  protected readonly capacity: number;

  constructor(shared: SharedArrayBuffer) {
    this.capacity = shared.byteLength - CONTROL_BYTES;
    this.control = new Int32Array(shared, 0, CONTROL_BYTES / 4);
    this.words = new Int32Array(shared, CONTROL_BYTES);
    this.bytes = Buffer.from(shared, CONTROL_BYTES);
  }
}

/** The end of a ring that its one writer has. */
export class RingWriter extends Ring {
  /** Bytes written since the start, modulo 2^32; what lies behind the published head is not yet seen. */
  #head = 0;

  /** Takes a copy of [start, end). @param kind above 0 @returns false when there is no room */
  push(kind: number, meta: Int32Array, source: Uint8Array, start: number, end: number): boolean {
    const { capacity, words } = this;
    const need = (HEADER_BYTES + end - start + ALIGN_BYTES - 1) & -ALIGN_BYTES;
    const free = capacity - ((this.#head - Atomics.load(this.control, TAIL)) >>> 0);
    const untilEnd = capacity - (this.#head & (capacity - 1));
    const skipped = need > untilEnd ? untilEnd : 0;
    if (need > capacity / 4 || skipped + need > free) return false;
    if (skipped > 0) this.#skip(skipped);
    const offset = this.#head & (capacity - 1);
    const at = offset >> 2;
    words[at] = need;
    words[at + 1] = kind;
    words[at + 2] = end - start;
    for (let i = 0; i < META_WORDS; i++) words[at + 4 + i] = meta[i] as number;
    copy(source, start, end, this.bytes, offset + HEADER_BYTES);
    this.#head = (this.#head + need) | 0;
    return true;
  }

  #skip(bytes: number): void {
    const at = (this.#head & (this.capacity - 1)) >> 2;
    this.words[at] = bytes;
    this.words[at + 1] = SKIP;
    this.#head = (this.#head + bytes) | 0;
  }

  /** Lets the reader see what was pushed. */
  publish(): void {
    Atomics.store(this.control, HEAD, this.#head);
  }
}

/** The end of a ring that its one reader has: the record at the front, until `release`. */
export class RingReader extends Ring {
  #tail = 0;
  kind = 0;
  /** Bytes of the record. */
  length = 0;
  readonly meta = new Int32Array(META_WORDS);

  /** Whether something waits. */
  get isEmpty(): boolean {
    return Atomics.load(this.control, HEAD) === this.#tail;
  }

  /** Reads the record at the front. @returns false when there is none */
  next(): boolean {
    for (;;) {
      if (this.isEmpty) return false;
      const at = (this.#tail & (this.capacity - 1)) >> 2;
      this.kind = this.words[at + 1] as number;
      if (this.kind !== SKIP) {
        this.length = this.words[at + 2] as number;
        for (let i = 0; i < META_WORDS; i++) this.meta[i] = this.words[at + 4 + i] as number;
        return true;
      }
      this.release();
    }
  }

  /** Copies the record's bytes to `at`. */
  copyTo(target: Uint8Array, at: number): void {
    const start = (this.#tail & (this.capacity - 1)) + HEADER_BYTES;
    copy(this.bytes, start, start + this.length, target, at);
  }

  /** Gives the record's room back. */
  release(): void {
    const at = (this.#tail & (this.capacity - 1)) >> 2;
    this.#tail = (this.#tail + (this.words[at] as number)) | 0;
    Atomics.store(this.control, TAIL, this.#tail);
  }
}
