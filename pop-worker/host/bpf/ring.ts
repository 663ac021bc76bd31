import type { BpfMap } from './map.ts';

const PAGE_BYTES = 4096;
const HEADER_BYTES = 8;
/** The producer is still writing it. */
const BUSY = 2 ** 31;
/** The producer gave it up. */
const DISCARDED = 2 ** 30;

/** Reads what programs put into a ring buffer (BPF_MAP_TYPE_RINGBUF), without a call of the kernel. */
export class RingReader {
  readonly #producer: BigUint64Array;
  readonly #consumer: BigUint64Array;
  readonly #headers: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #mask: number;

  /** @param map its size, a power of two of bytes, is what it holds */
  constructor(map: BpfMap) {
    const shared = map.ring(false);
    this.#mask = map.most - 1;
    this.#consumer = new BigUint64Array(map.ring(true), 0, 1);
    this.#producer = new BigUint64Array(shared, 0, 1);
    this.#headers = new Int32Array(shared, PAGE_BYTES);
    this.#bytes = new Uint8Array(shared, PAGE_BYTES);
  }

  /**
   * Shows each record that is whole, in the order in which they were begun.
   *
   * @param show is given bytes that are good until it returns
   * @param most records of this call
   * @returns how many there were
   */
  read(show: (record: Uint8Array) => void, most = Number.POSITIVE_INFINITY): number {
    let at = Number(Atomics.load(this.#consumer, 0));
    let shown = 0;
    try {
      while (shown < most && at < Number(Atomics.load(this.#producer, 0))) {
        const place = at & this.#mask;
        const header = Atomics.load(this.#headers, place / 4) >>> 0;
        if (header >= BUSY) break;
        const isDiscarded = header >= DISCARDED;
        const length = isDiscarded ? header - DISCARDED : header;
        at += 8 * Math.ceil((HEADER_BYTES + length) / 8);
        if (isDiscarded) continue;
        shown++;
        show(this.#bytes.subarray(place + HEADER_BYTES, place + HEADER_BYTES + length));
      }
    } finally {
      Atomics.store(this.#consumer, 0, BigInt(at));
    }
    return shown;
  }
}
