import { ADDRESS_WORDS, sameAddress } from './address.ts';

/**
 * Words of one descriptor: 64 bytes, one cache line.
 *
 * - 0 offset in the buffer, 1 length in bytes of all segments together
 * - 2 segment size in bytes (every segment but the last has it), 3 ECN codepoint (0 to 3); of what was received 22 bits above
 *   may tell the microseconds that it waited in the socket (`waitedUs`), and the upper 8 bits its hop limit (`hopLimitOf`)
 * - 4 to 9 remote address, 10 to 15 local address (zero: the kernel chooses)
 */
export const DESCRIPTOR_WORDS = 16;
export const D_OFFSET = 0;
export const D_LENGTH = 1;
export const D_SEGMENT = 2;
export const D_ECN = 3;
export const HOP_LIMIT_SHIFT = 24;
export const D_REMOTE = 4;
export const D_LOCAL = 10;

/** Of the word at `D_ECN`. */
export const ecnOf = (word: number): number => word & 3;
export const waitedUs = (word: number): number => (word & 0xff_ffff) >>> 2;
export const hopLimitOf = (word: number): number => word >>> HOP_LIMIT_SHIFT;

/** Linux takes at most 64 segments a GSO message on every kernel we support, and one IP packet's worth of bytes. */
export const MAX_SEGMENTS = 64;
export const MAX_MESSAGE_BYTES = 65_000;

/** Datagrams of that size that go in one message. */
const segmentsOf = (bytes: number): number =>
  Math.max(1, Math.min(MAX_SEGMENTS, Math.floor(MAX_MESSAGE_BYTES / Math.max(bytes, 1))));

/**
 * Datagrams that travel together: one buffer, one descriptor for each run of datagrams of the same size and addresses.
 * Filled by cores and by the packet engine alike; nothing is allocated after construction.
 */
export class Burst {
  readonly buffer: Uint8Array;
  readonly words: Int32Array;
  readonly capacity: number;
  /** Descriptors in use. */
  count = 0;
  /** Bytes of the buffer in use. */
  used = 0;

  /** @param bytes size of the buffer @param descriptors how many descriptors it holds */
  constructor(bytes: number, descriptors: number, buffer: Uint8Array = new Uint8Array(bytes)) {
    this.buffer = buffer;
    this.capacity = descriptors;
    this.words = new Int32Array(descriptors * DESCRIPTOR_WORDS);
  }

  clear(): void {
    this.count = 0;
    this.used = 0;
  }

  /** Room for one more datagram of this many bytes, whatever its address. */
  hasRoom(bytes: number): boolean {
    return this.count < this.capacity && this.used + bytes <= this.buffer.length;
  }

  /**
   * Takes the `length` bytes that were written at `used` as one datagram. It joins the last descriptor when that one
   * has the same addresses and ECN codepoint, ends right there, and its segments are of equal size so far.
   */
  commit(length: number, ecn: number, remote: Int32Array, remoteAt: number, local: Int32Array, localAt: number): void {
    const words = this.words;
    const last = (this.count - 1) * DESCRIPTOR_WORDS;
    if (this.count > 0 && this.#joins(last, length, ecn, remote, remoteAt, local, localAt)) {
      words[last + D_LENGTH] = (words[last + D_LENGTH] as number) + length;
      this.used += length;
      return;
    }
    this.#add(length, length, ecn, remote, remoteAt, local, localAt);
  }

  /** Room for datagrams of `total` bytes together, each of `segment` bytes but the last. */
  hasRoomForRun(total: number, segment: number): boolean {
    const descriptors = Math.ceil(total / (segmentsOf(segment) * segment));
    return this.count + descriptors <= this.capacity && this.used + total <= this.buffer.length;
  }

  /** Takes the `total` bytes at `used` as datagrams of `segment` bytes each but the last. @see hasRoomForRun */
  commitRun(
    total: number,
    segment: number,
    ecn: number,
    remote: Int32Array,
    remoteAt: number,
    local: Int32Array,
    localAt: number,
  ): void {
    if (total === segment) {
      this.commit(total, ecn, remote, remoteAt, local, localAt);
      return;
    }
    const most = segmentsOf(segment) * segment;
    for (let left = total; left > 0; left -= most) {
      this.#add(Math.min(most, left), segment, ecn, remote, remoteAt, local, localAt);
    }
  }

  #add(
    length: number,
    segment: number,
    ecn: number,
    remote: Int32Array,
    remoteAt: number,
    local: Int32Array,
    localAt: number,
  ): void {
    const words = this.words;
    const at = this.count * DESCRIPTOR_WORDS;
    words[at + D_OFFSET] = this.used;
    words[at + D_LENGTH] = length;
    words[at + D_SEGMENT] = Math.min(segment, length);
    words[at + D_ECN] = ecn;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      words[at + D_REMOTE + i] = remote[remoteAt + i] as number;
      words[at + D_LOCAL + i] = local[localAt + i] as number;
    }
    this.count++;
    this.used += length;
  }

  #joins(
    last: number,
    length: number,
    ecn: number,
    remote: Int32Array,
    remoteAt: number,
    local: Int32Array,
    localAt: number,
  ): boolean {
    const words = this.words;
    const total = words[last + D_LENGTH] as number;
    const segment = words[last + D_SEGMENT] as number;
    return (
      length <= segment &&
      total % segment === 0 &&
      total + length <= MAX_MESSAGE_BYTES &&
      total / segment < MAX_SEGMENTS &&
      words[last + D_ECN] === ecn &&
      (words[last + D_OFFSET] as number) + total === this.used &&
      sameAddress(words, last + D_REMOTE, remote, remoteAt) &&
      sameAddress(words, last + D_LOCAL, local, localAt)
    );
  }
}
