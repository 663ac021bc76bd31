import { IN_LENGTH, IN_OFFSET, IN_WORDS, type Packets } from '#protocol/wireguard/packets.ts';

/** A burst from the TUN, or of what was received, fits. */
const BYTES = 1 << 20;
const PACKETS = 2048;

/** Packets on their way to devices until the core has made messages of them: copies, whole, each with its peer's number. */
export class Outbox implements Packets {
  readonly buffer = new Uint8Array(BYTES);
  readonly words = new Int32Array(PACKETS * IN_WORDS);
  readonly peers = new Int32Array(PACKETS);
  count = 0;
  #used = 0;

  hasRoom(bytes: number): boolean {
    return this.count < PACKETS && this.#used + bytes <= BYTES;
  }

  /** A copy of [start, end); `hasRoom` was asked before. */
  add(peer: number, buffer: Uint8Array, start: number, end: number): void {
    const word = this.count * IN_WORDS;
    this.buffer.set(buffer.subarray(start, end), this.#used);
    this.words[word + IN_OFFSET] = this.#used;
    this.words[word + IN_LENGTH] = end - start;
    this.peers[this.count++] = peer;
    this.#used += end - start;
  }

  clear(): void {
    this.count = 0;
    this.#used = 0;
  }
}
