import { copyBytes } from '#protocol/quic/copy.ts';
import type { TimeUs } from '../contract.ts';
import { JOIN_BYTES, JOIN_SLOTS, JOIN_US } from './limits.ts';

/** Bytes that a joiner has in a buffer. */
export const joinerBytes = (headroom: number): number => JOIN_SLOTS * (headroom + JOIN_BYTES);

interface Slot {
  /** Which direction's; 0: free. */
  direction: number;
  /** Packet number of the first part. */
  number: number;
  /** Which part is here. */
  isFirst: boolean;
  bytes: number;
  /** ECN codepoint that its packet came with. */
  ecn: number;
  expires: TimeUs;
  /** The batch in which a datagram became whole here. */
  batch: number;
}

/** Primes apart, so that directions do not want the same slots at the same time. */
const DIRECTION_STEP = 131;

/**
 * Puts datagrams together of which two packets came, one numbered right behind the other, in either order: a fixed number of
 * slots in a fixed piece of memory.
 */
export class Joiner {
  readonly #buffer: Uint8Array;
  readonly #at: number;
  readonly #slotBytes: number;
  readonly #headroom: number;
  readonly #slots: readonly Slot[];
  #batch = 1;
  /** Parts that came to nothing. */
  given = 0;
  /** Of what `put` made whole: where it lies, and the ECN codepoint of the part that came before. */
  start = 0;
  end = 0;
  ecn = 0;

  /** @param at where `joinerBytes` of the buffer are this one's @param headroom bytes left free in front of each datagram */
  constructor(buffer: Uint8Array, at: number, headroom: number) {
    this.#buffer = buffer;
    this.#at = at;
    this.#headroom = headroom;
    this.#slotBytes = headroom + JOIN_BYTES;
    this.#slots = Array.from({ length: JOIN_SLOTS }, () => ({
      ...{ direction: 0, number: 0, isFirst: false, bytes: 0, ecn: 0, expires: 0, batch: 0 },
    }));
  }

  /** What was made whole before is not needed any more. */
  nextBatch(): void {
    this.#batch++;
  }

  /**
   * Takes a part, which lies at [start, end) of `from`: of its own buffer, or of another.
   *
   * @param direction 1 or above @param number of the packet that it came in @param ecn of that packet
   * @returns whether the datagram is whole now: between `start` and `end`, until the next batch
   */
  put(
    direction: number,
    number: number,
    isFirst: boolean,
    from: Uint8Array,
    start: number,
    end: number,
    ecn: number,
    now: TimeUs,
  ): boolean {
    const first = isFirst ? number : number - 1;
    // The packet before the first one of all has no number.
    const index = (first + 1 + direction * DIRECTION_STEP) % JOIN_SLOTS;
    const slot = this.#slots[index] as Slot;
    const at = this.#at + index * this.#slotBytes + this.#headroom;
    if (slot.batch === this.#batch || end - start > JOIN_BYTES) {
      this.given++;
      return false;
    }
    const isOther = slot.direction === direction && slot.number === first && slot.isFirst !== isFirst;
    if (!isOther || slot.expires <= now) {
      if (slot.direction !== 0) this.given++;
      this.#keep(slot, at, direction, first, isFirst, from, start, end, ecn, now);
      return false;
    }
    slot.direction = 0;
    return this.#join(slot, at, from, start, end);
  }

  #join(slot: Slot, at: number, from: Uint8Array, start: number, end: number): boolean {
    const { bytes } = slot;
    const more = end - start;
    if (bytes + more > JOIN_BYTES) {
      this.given += 2;
      return false;
    }
    if (slot.isFirst) copyBytes(this.#buffer, at + bytes, from, start, end);
    else {
      this.#buffer.copyWithin(at + more, at, at + bytes);
      copyBytes(this.#buffer, at, from, start, end);
    }
    slot.batch = this.#batch;
    this.start = at;
    this.end = at + bytes + more;
    this.ecn = slot.ecn;
    return true;
  }

  #keep(
    slot: Slot,
    at: number,
    direction: number,
    number: number,
    isFirst: boolean,
    from: Uint8Array,
    start: number,
    end: number,
    ecn: number,
    now: TimeUs,
  ): void {
    slot.direction = direction;
    slot.number = number;
    slot.isFirst = isFirst;
    slot.bytes = end - start;
    slot.ecn = ecn;
    slot.expires = now + JOIN_US;
    copyBytes(this.#buffer, at, from, start, end);
  }
}
