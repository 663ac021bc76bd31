/** Bytes in front of a ticket's data that no two tickets share. */
export const SERIAL_BYTES = 16;

/**
 * How long a ticket is remembered, in microseconds, at least. TLS itself takes early data only when the age that the client
 * tells is within 10 s of the ticket's (RFC 8446 §8.3), so a copy is of no use any later.
 */
export const REMEMBERED_US = 20_000_000;

/** Tickets that are remembered of each half of that time: about 4 MB in all. */
export const MOST_TICKETS = 16_384;

/** Early data that was refused because it may have been a copy: only growing. */
export interface RefusedEarlyData {
  /** The ticket had brought some before. */
  readonly replayed: number;
  /** No more tickets could be remembered. */
  readonly full: number;
}

/**
 * Which tickets brought early data lately (RFC 8446 §8.1, RFC 9001 §9.2): each does once. What cannot be remembered is
 * refused as well, so the defence has no gap, and the client goes on without early data. It is of one port: workers that
 * share ticket keys take a copy once each, which RFC 8470 says how to bear.
 */
export class SingleUse implements RefusedEarlyData {
  readonly #most: number;
  #recent = new Set<string>();
  #older = new Set<string>();
  #turnsAt = 0;
  replayed = 0;
  full = 0;

  constructor(most: number = MOST_TICKETS) {
    this.#most = most;
  }

  /** @param serial `SERIAL_BYTES` bytes @param nowUs microseconds of any steady clock @returns whether it may */
  take(serial: Uint8Array, nowUs: number): boolean {
    if (nowUs >= this.#turnsAt) this.#turn(nowUs);
    const key = String.fromCharCode(...serial);
    if (this.#recent.has(key) || this.#older.has(key)) {
      this.replayed++;
      return false;
    }
    if (this.#recent.size >= this.#most) {
      this.full++;
      return false;
    }
    this.#recent.add(key);
    return true;
  }

  #turn(nowUs: number): void {
    // Nothing came for so long that what was recent is old as well.
    this.#older = nowUs >= this.#turnsAt + REMEMBERED_US ? new Set() : this.#recent;
    this.#recent = new Set();
    this.#turnsAt = nowUs + REMEMBERED_US;
  }
}
