/** BPF_RINGBUF_BUSY_BIT: the record is being written. It is the sign of a 32-bit number. */
const BUSY = 1 << 31;
/** BPF_RINGBUF_DISCARD_BIT: it was given up. */
const DISCARDED = 1 << 30;
/** BPF_RINGBUF_HDR_SZ: its length, and where its page is. */
const HEADER_BYTES = 8;

/** A ring's pages as the kernel maps them (kernel/bpf/ringbuf.c). */
export interface RingMemory {
  /** How far it was read, as a 64-bit number. */
  readonly consumer: ArrayBuffer;
  /** How far it was written, as a 64-bit number; a page further the data, twice. Never to be written. */
  readonly producer: ArrayBuffer;
}

/**
 * Reads a BPF ring without a system call. Positions only grow, and are exact up to 2^53: 285 years at a gigabyte a second. There is
 * one reader at a time: it goes on where the one before ended.
 */
export class RingReader {
  readonly #consumer: BigInt64Array;
  readonly #written: BigInt64Array;
  readonly #headers: Int32Array;
  readonly #data: Uint8Array;
  readonly #bytes: number;
  #at: number;

  /** @param bytes of the ring, a power of two @throws RangeError where the memory is not of such a ring */
  constructor({ consumer, producer }: RingMemory, bytes: number) {
    const page = producer.byteLength - 2 * bytes;
    if (page <= 0 || page % 8 !== 0 || bytes % 8 !== 0)
      throw new RangeError(`${producer.byteLength} bytes are no ring of ${bytes}`);
    this.#consumer = new BigInt64Array(consumer, 0, 1);
    this.#written = new BigInt64Array(producer, 0, 1);
    this.#headers = new Int32Array(producer, page, bytes / 4);
    this.#data = new Uint8Array(producer, page);
    this.#bytes = bytes;
    this.#at = Number(Atomics.load(this.#consumer, 0));
  }

  /**
   * Shows what there is, in order.
   * @param show a record, in the ring's own memory: only until it returns
   * @param most records that are shown; the rest waits
   * @returns how many were shown
   */
  read(show: (record: Uint8Array) => void, most = Number.POSITIVE_INFINITY): number {
    const end = Number(Atomics.load(this.#written, 0));
    let shown = 0;
    try {
      while (this.#at < end && shown < most) {
        // Not `&`: that knows 32 bits.
        const at = this.#at % this.#bytes;
        const header = Atomics.load(this.#headers, at / 4);
        if ((header & BUSY) !== 0) break;
        const length = header & ~DISCARDED;
        this.#at += (HEADER_BYTES + length + 7) & ~7;
        if ((header & DISCARDED) !== 0) continue;
        shown++;
        show(this.#data.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
      }
    } finally {
      // What was read may be written over from here on.
      Atomics.store(this.#consumer, 0, BigInt(this.#at));
    }
    return shown;
  }
}
