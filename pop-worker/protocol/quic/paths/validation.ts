import { NEVER, type Random, type TimeUs } from '../../contract.ts';

const DATA_BYTES = 8;
/** Challenges sent for one validation. */
const MAX_CHALLENGES = 3;

/** Whether the peer is reachable at an address (RFC 9000 §8.2): PATH_CHALLENGE, and the wait for its PATH_RESPONSE. */
export class Validation {
  readonly #data = new Uint8Array(DATA_BYTES * MAX_CHALLENGES);
  #sent = 0;
  #pending = false;
  #retryAt: TimeUs = NEVER;
  #failsAt: TimeUs = NEVER;
  /** A challenge went in a datagram of less than 1200 bytes (RFC 9000 §8.2.1). */
  isShort = false;

  get running(): boolean {
    return this.#failsAt !== NEVER;
  }

  /** @param ptoUs the larger of the present PTO and that of a new path: three of them and it has failed (§8.2.4) */
  start(now: TimeUs, ptoUs: number): void {
    this.#sent = 0;
    this.isShort = false;
    this.#pending = true;
    this.#retryAt = NEVER;
    this.#failsAt = now + 3 * ptoUs;
  }

  stop(): void {
    this.#pending = false;
    this.#retryAt = NEVER;
    this.#failsAt = NEVER;
  }

  /** A PATH_CHALLENGE is to be sent. */
  get pending(): boolean {
    return this.#pending;
  }

  /** The 8 bytes to send, new ones each time (§8.2.1); valid until the next call. */
  challenge(now: TimeUs, ptoUs: number, random: Random): Uint8Array {
    const data = this.#data.subarray(DATA_BYTES * this.#sent, DATA_BYTES * (this.#sent + 1));
    random.fill(data);
    this.#sent++;
    this.#pending = false;
    this.#retryAt = this.#sent < MAX_CHALLENGES ? now + ptoUs * this.#sent : NEVER;
    return data;
  }

  /** @returns whether the 8 bytes are those of a challenge of this validation */
  matches(buffer: Uint8Array, start: number): boolean {
    if (!this.running) return false;
    for (let i = 0; i < this.#sent; i++) {
      let same = true;
      for (let j = 0; j < DATA_BYTES; j++) same &&= this.#data[DATA_BYTES * i + j] === buffer[start + j];
      if (same) return true;
    }
    return false;
  }

  deadline(): TimeUs {
    return Math.min(this.#retryAt, this.#failsAt);
  }

  /** @returns `true` when validation has failed */
  onTimeout(now: TimeUs): boolean {
    if (now >= this.#failsAt) {
      this.stop();
      return true;
    }
    if (now >= this.#retryAt) {
      this.#retryAt = NEVER;
      this.#pending = true;
    }
    return false;
  }
}
