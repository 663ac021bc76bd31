import { ConflictError } from './errors.ts';
import type { Store } from './store.ts';

export interface RateLimitOptions {
  /** Part of the records' keys. */
  readonly name: string;
  /** So many are let through within a window, counted over all copies of the service. */
  readonly limit: number;
  readonly windowSeconds: number;
}

export type Taken = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterSeconds: number };

interface Count {
  readonly count: number;
  /** Seconds since 1970. */
  readonly endsAt: number;
}

const TRIES = 20;

/** Counts in the store, so that copies of a service limit together what a caller may do. */
export class RateLimit {
  readonly #store: Store;
  readonly #options: RateLimitOptions;
  readonly #now: () => number;

  /** @param now seconds since 1970 */
  constructor(store: Store, options: RateLimitOptions, now: () => number = () => Date.now() / 1000) {
    this.#store = store;
    this.#options = options;
    this.#now = now;
  }

  /** Takes one of the caller's chances before it is used, so that many at once get no more than one by one. */
  async take(who: string): Promise<Taken> {
    const key = await this.#key(who);
    for (let tries = 0; tries < TRIES; tries++) {
      const { value, revision } = await this.#store.last(key);
      const now = this.#now();
      const stored = value === undefined ? undefined : (JSON.parse(new TextDecoder().decode(value)) as Count);
      const current = stored !== undefined && stored.endsAt > now ? stored : undefined;
      if (current !== undefined && current.count >= this.#options.limit)
        return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(current.endsAt - now)) };
      const next: Count = {
        count: (current?.count ?? 0) + 1,
        endsAt: current?.endsAt ?? now + this.#options.windowSeconds,
      };
      const ttlSeconds = Math.max(1, Math.ceil(next.endsAt - now));
      try {
        const bytes = new TextEncoder().encode(JSON.stringify(next));
        await this.#store.commit([{ key, value: bytes, ifRevision: revision, ttlSeconds }]);
        return { allowed: true };
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
    // So many at once that counting them fails is too many.
    return { allowed: false, retryAfterSeconds: 1 };
  }

  /** Gives all chances back, as after a right password. */
  async reset(who: string): Promise<void> {
    await this.#store.commit([{ key: await this.#key(who), value: undefined, ttlSeconds: 60 }]);
  }

  async #key(who: string): Promise<string> {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(who)));
    const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return `limit.${this.#options.name}.${hex}`;
  }
}
