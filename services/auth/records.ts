import type { Change } from '#services/store/commit.ts';
import { ConflictError } from '#services/store/errors.ts';
import type { Sealer } from '#services/store/seal.ts';
import type { Store } from '#services/store/store.ts';

export interface Record<T> {
  readonly value: T | undefined;
  /** For `ifRevision`: of the value or of its end, 0 if it never was. */
  readonly revision: number;
}

/** How long the memory of an ended record is kept, so that a late writer does not bring it back. */
const ENDED_SECONDS = 3600;
const TRIES = 20;

/** JSON in the bucket `cb_auth`, sealed: none of it can be read without the installation's key. */
export class Records {
  readonly store: Store;
  readonly sealer: Sealer;

  constructor(store: Store, sealer: Sealer) {
    this.store = store;
    this.sealer = sealer;
  }

  async read<T>(key: string): Promise<Record<T>> {
    const { value, revision } = await this.store.last(key);
    if (value === undefined) return { value: undefined, revision };
    const bytes = await this.sealer.open(this.#place(key), value);
    return { value: JSON.parse(new TextDecoder().decode(bytes)) as T, revision };
  }

  /** @param more when to write (`ifRevision`) and for how long (`ttlSeconds`) */
  async change(key: string, value: unknown, more: Pick<Change, 'ifRevision' | 'ttlSeconds'> = {}): Promise<Change> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    return { key, value: await this.sealer.seal(this.#place(key), bytes), ...more };
  }

  /** A record's end. */
  end(key: string, ifRevision?: number): Change {
    const condition = ifRevision === undefined ? {} : { ifRevision };
    return { key, value: undefined, ttlSeconds: ENDED_SECONDS, ...condition };
  }

  /**
   * Changes a record by compare-and-set.
   *
   * @param decide what it becomes; may throw; undefined leaves it as it is
   */
  async update<T>(key: string, decide: (value: T) => T | undefined, missing: () => Error): Promise<T> {
    for (let tries = 1; ; tries++) {
      const { value, revision } = await this.read<T>(key);
      if (value === undefined) throw missing();
      const next = decide(value);
      if (next === undefined) return value;
      try {
        await this.store.commit([await this.change(key, next, { ifRevision: revision })]);
        return next;
      } catch (error) {
        if (!(error instanceof ConflictError) || tries === TRIES) throw error;
      }
    }
  }

  #place(key: string): string {
    return `${this.store.bucket}.${key}`;
  }
}
