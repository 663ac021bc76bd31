import type { Sum } from '#protocol/ip/checksum.ts';
import { GsoType, NEEDS_CHECKSUM } from '#protocol/ip/offload.ts';
import { completeChecksum } from '#protocol/ip/segmenter.ts';
import { T_CSUM_OFFSET, T_CSUM_START, T_FLAGS, T_GSO_SIZE, T_GSO_TYPE, VnetGso } from './native.ts';

/**
 * One packet as a TUN hands it over, with what its virtio_net_hdr said (virtio 1.2 §5.1.6). It is filled again for the next
 * one: whoever is lent it keeps nothing of it.
 */
export class TunPacket {
  /** The packet lies in [start, end). */
  buffer: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** `NEEDS_CHECKSUM` or 0. */
  flags = 0;
  /** Of `GsoType`, whatever the kernel says. */
  gsoType: number = GsoType.none;
  /** Payload bytes of each packet that a large one stands for. */
  gsoSize = 0;
  /** Where the checksum begins to count, from `start`, and where it is to be written, from there. */
  checksumStart = 0;
  checksumOffset = 0;

  /** @param words hold a descriptor at `at`, of which the virtio header's words are read */
  set(buffer: Uint8Array, start: number, end: number, words: Int32Array, at: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.flags = words[at + T_FLAGS] as number;
    this.gsoType = (words[at + T_GSO_TYPE] as number) & ~VnetGso.ecn;
    this.gsoSize = words[at + T_GSO_SIZE] as number;
    this.checksumStart = words[at + T_CSUM_START] as number;
    this.checksumOffset = words[at + T_CSUM_OFFSET] as number;
  }

  /** Writes the words that `set` reads. */
  writeWords(words: Int32Array, at: number): void {
    words[at + T_FLAGS] = this.flags;
    words[at + T_GSO_TYPE] = this.gsoType;
    words[at + T_GSO_SIZE] = this.gsoSize;
    words[at + T_CSUM_START] = this.checksumStart;
    words[at + T_CSUM_OFFSET] = this.checksumOffset;
  }

  /** Whether it stands for many packets of a flow and is to be cut. */
  get isLarge(): boolean {
    return this.gsoType !== GsoType.none;
  }

  /** Does what the kernel left to do about the checksum. @returns false when it cannot be: the packet must be dropped */
  completeChecksum(sum: Sum): boolean {
    if ((this.flags & NEEDS_CHECKSUM) === 0) return true;
    return completeChecksum(this.buffer, this.start + this.checksumStart, this.checksumOffset, this.end, sum);
  }
}
