import type { TimeUs } from '../contract.ts';
import { sipHash } from './siphash.ts';

/** What may become of a response by UDP. */
export type Verdict =
  | 'send'
  /** Shortened: who did ask asks again by TCP. */
  | 'slip'
  | 'drop';

/** Networks that are limited as one: /24 and /56, in bytes. */
const NETWORK_BYTES = { 4: 3, 16: 7 } as const;
const BUCKETS = 1 << 16;
const SECOND_US = 1e6;
/** Of what is over the limit, every so many is answered shortened. */
const SLIP = 2;

/**
 * Limits responses to one network, so that queries with its address for a sender make no flood at it. Token buckets, each
 * holding a second's worth; networks that fall into one bucket share it, and a secret decides which do.
 */
export class RateLimit {
  readonly #key: Uint8Array;
  readonly #perSecond: number;
  readonly #tokens = new Float32Array(BUCKETS);
  readonly #filledUs = new Float64Array(BUCKETS).fill(Number.NEGATIVE_INFINITY);
  readonly #over = new Uint8Array(BUCKETS);
  readonly #hash = new Uint8Array(8);

  /** @param key 16 bytes that nobody else knows @param perSecond responses to a network; 0: any number */
  constructor(key: Uint8Array, perSecond: number) {
    this.#key = key;
    this.#perSecond = perSecond;
  }

  /** @param to 4 or 16 bytes */
  take(to: Uint8Array, now: TimeUs): Verdict {
    if (this.#perSecond === 0) return 'send';
    sipHash(this.#key, to, to.length === 4 ? NETWORK_BYTES[4] : NETWORK_BYTES[16], this.#hash, 0);
    const at = (this.#hash[0] as number) | ((this.#hash[1] as number) << 8);
    const passed = now - (this.#filledUs[at] as number);
    const tokens = Math.min(this.#perSecond, (this.#tokens[at] as number) + (passed / SECOND_US) * this.#perSecond);
    this.#filledUs[at] = now;
    this.#tokens[at] = Math.max(0, tokens - 1);
    if (tokens >= 1) return 'send';
    this.#tokens[at] = tokens;
    this.#over[at] = (this.#over[at] as number) + 1;
    return (this.#over[at] as number) % SLIP === 0 ? 'slip' : 'drop';
  }
}
