import { TUN_SLOT_BYTES, TUN_WORDS } from './native.ts';

/**
 * IP packets that are read from or written to a TUN together: one buffer, one descriptor a packet (words `T_…` of
 * `native.ts`). Nothing is allocated after construction.
 */
export class TunBurst {
  readonly buffer: Uint8Array;
  readonly words: Int32Array;
  readonly capacity: number;
  /** Packets in use. */
  count = 0;
  /** Bytes of the buffer in use. */
  used = 0;

  /** @param bytes size of the buffer; reading needs TUN_SLOT_BYTES free for each further packet */
  constructor(bytes: number, packets: number, buffer: Uint8Array = new Uint8Array(bytes)) {
    this.buffer = buffer;
    this.capacity = packets;
    this.words = new Int32Array(packets * TUN_WORDS);
  }

  clear(): void {
    this.count = 0;
    this.used = 0;
  }

  /** Room to read one more packet, whatever its size. */
  hasRoom(): boolean {
    return this.count < this.capacity && this.used + TUN_SLOT_BYTES <= this.buffer.length;
  }

  /** Takes the `length` bytes that were written at `used` as one packet, without a virtio_net_hdr. */
  commit(length: number): void {
    const at = this.count * TUN_WORDS;
    this.words.fill(0, at + 2, at + TUN_WORDS);
    this.words[at] = this.used;
    this.words[at + 1] = length;
    this.count++;
    this.used += length;
  }
}
