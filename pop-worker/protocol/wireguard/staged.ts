import { MOST_STAGED_BYTES, MOST_STAGED_PACKETS } from './limits.ts';

/** Bytes that wait at all peers of a device. */
export interface StagedTotal {
  bytes: number;
}

/** Packets of one peer that wait for a session; the oldest make place for new ones. */
export class Staged {
  readonly #total: StagedTotal;
  #packets: Uint8Array[] = [];

  constructor(total: StagedTotal) {
    this.#total = total;
  }

  get size(): number {
    return this.#packets.length;
  }

  get first(): Uint8Array | undefined {
    return this.#packets[0];
  }

  /** Keeps a copy. @returns how many were dropped for it, itself included */
  add(bytes: Uint8Array, at: number, length: number): number {
    let dropped = 0;
    while (this.size > 0 && (this.size >= MOST_STAGED_PACKETS || this.#total.bytes + length > MOST_STAGED_BYTES)) {
      this.removeFirst();
      dropped++;
    }
    if (this.#total.bytes + length > MOST_STAGED_BYTES) return dropped + 1;
    this.#packets.push(bytes.slice(at, at + length));
    this.#total.bytes += length;
    return dropped;
  }

  removeFirst(): void {
    this.#total.bytes -= this.#packets.shift()?.length ?? 0;
  }

  /** @returns how many there were */
  clear(): number {
    const { size } = this;
    while (this.size > 0) this.removeFirst();
    return size;
  }
}
