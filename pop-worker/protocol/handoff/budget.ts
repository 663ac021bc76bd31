import type { TimeUs } from '../contract.ts';
import { SOURCE_BUCKETS } from './limits.ts';

const SECOND_US = 1_000_000;
/** What may come at once: a tenth of a second's worth. */
const BURST_SHARE = 0.1;

/** So many bytes a second for each bucket; a bucket that was idle is full. */
export class Budgets {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #left: Float64Array;
  readonly #filledUs: Float64Array;

  /** @param perSecond bytes @param least bytes that a full bucket has in any case */
  constructor(buckets: number, perSecond: number, least = 65_536) {
    this.#perSecond = perSecond;
    this.#most = Math.max(perSecond * BURST_SHARE, least);
    this.#left = new Float64Array(buckets).fill(this.#most);
    this.#filledUs = new Float64Array(buckets);
  }

  /** @returns false, and takes nothing: the bucket has less than that */
  take(bucket: number, bytes: number, now: TimeUs): boolean {
    const since = Math.max(0, now - (this.#filledUs[bucket] as number));
    const left = Math.min(this.#most, (this.#left[bucket] as number) + (since * this.#perSecond) / SECOND_US);
    this.#filledUs[bucket] = now;
    this.#left[bucket] = left < bytes ? left : left - bytes;
    return left >= bytes;
  }
}

/** The bucket of a source address, ports aside; of IPv6 the /64 that one customer has. @param seed nobody outside knows it */
export const sourceBucket = (words: Int32Array, at: number, seed: number): number => {
  const family = (words[at] as number) & 0xffff;
  let hash = seed ^ family;
  const count = family === 6 ? 2 : 1;
  for (let i = 0; i < count; i++) {
    hash = Math.imul(hash ^ (words[at + 2 + i] as number), 0x9e37_79b1);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x85eb_ca6b);
    hash ^= hash >>> 13;
  }
  return (hash >>> 0) % SOURCE_BUCKETS;
};
