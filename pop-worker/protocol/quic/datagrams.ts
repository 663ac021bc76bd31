import { copyBytes } from './copy.ts';

const DEFAULT_BYTES = 262_144;
const DEFAULT_COUNT = 1024;

/**
 * Outgoing DATAGRAM payloads in one byte ring, bounded by bytes and by number. A full queue refuses the newest
 * (RFC 9221 §5.4 leaves it to us; whoever pushes knows better what to drop, and is told). Payloads lie in one piece:
 * what does not fit before the ring's end goes to its start, the rest of the end lies waste until then.
 */
export class DatagramQueue {
  /** Payloads refused because the queue was full. */
  refused = 0;
  /** Payloads taken out to be sent, and their bytes. */
  sent = 0;
  sentBytes = 0;
  /** Payloads dropped by `drop`. */
  dropped = 0;

  readonly #capacity: number;
  readonly #maxCount: number;
  #ring: Uint8Array | undefined;
  /** Start and length of each payload, in a ring of maxCount pairs. */
  #entries: Int32Array | undefined;
  #head = 0;
  #count = 0;
  /** Where the next payload goes unless it has to wrap. */
  #tail = 0;

  /** @param capacityBytes size of the ring, made at the first push @param maxCount payloads held at most */
  constructor(capacityBytes: number = DEFAULT_BYTES, maxCount: number = DEFAULT_COUNT) {
    this.#capacity = capacityBytes;
    this.#maxCount = maxCount;
  }

  /** Payloads waiting. */
  get count(): number {
    return this.#count;
  }

  /** The largest payload that `push` would take now. */
  get roomBytes(): number {
    if (this.#count >= this.#maxCount) return 0;
    if (this.#count === 0) return this.#capacity;
    const start = this.#startOf(this.#head);
    if (this.#tail <= start) return start - this.#tail;
    return Math.max(this.#capacity - this.#tail, start);
  }

  /** Copies buffer[start, end). @returns `false` when there is no room */
  push(buffer: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (this.#count >= this.#maxCount || length > this.roomBytes) {
      this.refused++;
      return false;
    }
    this.#ring ??= new Uint8Array(this.#capacity);
    this.#entries ??= new Int32Array(2 * this.#maxCount);
    if (this.#count === 0 || this.#tail + length > this.#capacity) this.#tail = 0;
    copyBytes(this.#ring, this.#tail, buffer, start, end);
    const entry = 2 * ((this.#head + this.#count) % this.#maxCount);
    this.#entries[entry] = this.#tail;
    this.#entries[entry + 1] = length;
    this.#tail += length;
    this.#count++;
    return true;
  }

  /** Length of the first payload, -1 when there is none. */
  peekLength(): number {
    return this.#count === 0 ? -1 : this.#lengthOf(this.#head);
  }

  /** Moves the first payload to buffer[at…]. @returns the offset behind it */
  popInto(buffer: Uint8Array, at: number): number {
    if (this.#count === 0 || this.#ring === undefined) return at;
    const start = this.#startOf(this.#head);
    const length = this.#lengthOf(this.#head);
    copyBytes(buffer, at, this.#ring, start, start + length);
    this.#advance();
    this.sent++;
    this.sentBytes += length;
    return at + length;
  }

  /** Drops the first payload (it fits no packet any more). */
  drop(): void {
    if (this.#count === 0) return;
    this.#advance();
    this.dropped++;
  }

  #advance(): void {
    this.#head = (this.#head + 1) % this.#maxCount;
    this.#count--;
  }

  #startOf(entry: number): number {
    return this.#entries?.[2 * entry] as number;
  }

  #lengthOf(entry: number): number {
    return this.#entries?.[2 * entry + 1] as number;
  }
}
