import { HEADROOM } from './session.ts';

/** Packets of one session that wait at most, and their bytes. */
export const MOST_HELD = 64;
export const MOST_HELD_BYTES = 65_536;
/** Bytes that wait for all sessions of a thread together. */
export const MOST_HELD_BY_ALL_BYTES = 16 << 20;

/** Bytes that may still be held by all sessions of a thread. */
export interface HoldBudget {
  left: number;
}

/** Packets for a device that may not be sent anything yet, in the order in which they came. */
export class HeldPackets {
  readonly #budget: HoldBudget;
  readonly #packets: Uint8Array[] = [];
  #bytes = 0;

  constructor(budget: HoldBudget) {
    this.#budget = budget;
  }

  /** Keeps a copy of a packet. @returns false when too much waits already */
  add(buffer: Uint8Array, start: number, end: number): boolean {
    const bytes = end - start;
    const isFull = this.#packets.length === MOST_HELD || this.#bytes + bytes > MOST_HELD_BYTES;
    if (isFull || bytes > this.#budget.left) return false;
    const packet = new Uint8Array(HEADROOM + bytes);
    packet.set(buffer.subarray(start, end), HEADROOM);
    this.#packets.push(packet);
    this.#bytes += bytes;
    this.#budget.left -= bytes;
    return true;
  }

  /** Hands all of them out, each in [HEADROOM, length), or drops them where nobody takes them. */
  release(take: (buffer: Uint8Array) => void = () => {}): void {
    this.#budget.left += this.#bytes;
    this.#bytes = 0;
    for (const packet of this.#packets.splice(0)) take(packet);
  }
}
