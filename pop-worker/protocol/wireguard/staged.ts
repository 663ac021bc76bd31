import { MOST_STAGED_BYTES, MOST_STAGED_PACKETS, STAGED_PACKET_BYTES } from './limits.ts';
import { IN_LENGTH, IN_OFFSET, IN_WORDS, type Packets } from './packets.ts';

/** Memory of what waits at all peers of a device, bytes. */
export interface StagedTotal {
  bytes: number;
}

/** Packets of one peer that wait for a session; the oldest make place for new ones. */
export class Staged {
  readonly #total: StagedTotal;
  #packets: Packets[] = [];

  constructor(total: StagedTotal) {
    this.#total = total;
  }

  get size(): number {
    return this.#packets.length;
  }

  get first(): Packets | undefined {
    return this.#packets[0];
  }

  /** Keeps a copy. @returns how many were dropped for it, itself included */
  add({ buffer, words }: Packets, index: number): number {
    const word = index * IN_WORDS;
    const at = words[word + IN_OFFSET] as number;
    const length = words[word + IN_LENGTH] as number;
    const cost = length + STAGED_PACKET_BYTES;
    let dropped = 0;
    while (this.size > 0 && (this.size >= MOST_STAGED_PACKETS || this.#total.bytes + cost > MOST_STAGED_BYTES)) {
      this.removeFirst();
      dropped++;
    }
    if (this.#total.bytes + cost > MOST_STAGED_BYTES) return dropped + 1;
    const own = words.slice(word, word + IN_WORDS);
    own[IN_OFFSET] = 0;
    this.#packets.push({ buffer: buffer.slice(at, at + length), words: own, count: 1 });
    this.#total.bytes += cost;
    return dropped;
  }

  removeFirst(): void {
    const packet = this.#packets.shift();
    if (packet !== undefined) this.#total.bytes -= packet.buffer.length + STAGED_PACKET_BYTES;
  }

  /** @returns how many there were */
  clear(): number {
    const { size } = this;
    while (this.size > 0) this.removeFirst();
    return size;
  }
}
