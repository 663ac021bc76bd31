import { addressFamily } from '../../address.ts';
import type { TimeUs } from '../../contract.ts';

/**
 * Handshakes of one source while we are under load. Devices behind one NAT44 address share them, and all begin at once when
 * their PoP is lost: the burst, which others have as 5, lets an office back in with its first attempt.
 */
export const SOURCE_HANDSHAKES_A_SECOND = 20;
export const SOURCE_BURST = 64;
/** Sources at a time (4,096 of 16 bytes): a power of two. */
export const SOURCE_PLACES = 4096;
const COST_US = 1e6 / SOURCE_HANDSHAKES_A_SECOND;

/**
 * How often each source may begin a handshake: an IPv4 address, or the /64 of an IPv6 one. A table of fixed size, found by
 * a hash: of two sources at one place the newer one has it, so a crowd can lose its count but never grow the table.
 */
export class SourceLimit {
  readonly #keys = new Int32Array(2 * SOURCE_PLACES);
  /** When the source has its whole burst again. */
  readonly #fullAt = new Float64Array(SOURCE_PLACES);
  readonly #seed: number;

  /** @param seed unpredictable, so that nobody chooses who shares a place */
  constructor(seed: number) {
    this.#seed = seed;
  }

  allows(remote: Int32Array, at: number, now: TimeUs): boolean {
    const high = remote[at + 2] as number;
    const low = lowOf(remote, at);
    const place = this.#place(high, low);
    if (this.#keys[2 * place] !== high || this.#keys[2 * place + 1] !== low) {
      this.#keys[2 * place] = high;
      this.#keys[2 * place + 1] = low;
      this.#fullAt[place] = 0;
    }
    const fullAt = Math.max(this.#fullAt[place] as number, now) + COST_US;
    if (fullAt - now > SOURCE_BURST * COST_US) return false;
    this.#fullAt[place] = fullAt;
    return true;
  }

  /** Where a source is counted, 0 to `SOURCE_PLACES` - 1: of few sources each has a place of its own. */
  placeOf(remote: Int32Array, at: number): number {
    return this.#place(remote[at + 2] as number, lowOf(remote, at));
  }

  #place(high: number, low: number): number {
    let hash = Math.imul(high ^ this.#seed, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ low, 0x85ebca6b);
    return ((hash ^ (hash >>> 13)) >>> 0) % SOURCE_PLACES;
  }
}

const lowOf = (remote: Int32Array, at: number): number =>
  addressFamily(remote, at) === 6 ? (remote[at + 3] as number) : 0;
