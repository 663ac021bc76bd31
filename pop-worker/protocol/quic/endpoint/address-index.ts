import { sameAddress } from '../../address.ts';

const hash = (words: Int32Array, at: number): number => {
  let h = words[at] as number;
  for (let i = 2; i < 6; i++) h = Math.imul(h ^ (words[at + i] as number), 0x9e3779b1) ^ (h >>> 15);
  return h;
};

/** Connections by the peer's address, to find whose stateless reset a datagram is (RFC 9000 §10.3.1). */
export class AddressIndex<T extends object> {
  readonly #buckets = new Map<number, Set<T>>();
  readonly #places = new Map<T, number>();
  readonly #mostLookedAt: number;

  /** @param mostLookedAt connections of one address among which one is looked for */
  constructor(mostLookedAt: number) {
    this.#mostLookedAt = mostLookedAt;
  }

  /** Also when the address has changed. */
  set(value: T, remote: Int32Array): void {
    this.delete(value);
    const key = hash(remote, 0);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, new Set([value]));
    else bucket.add(value);
    this.#places.set(value, key);
  }

  delete(value: T): void {
    const key = this.#places.get(value);
    if (key === undefined) return;
    this.#places.delete(value);
    const bucket = this.#buckets.get(key);
    bucket?.delete(value);
    if (bucket?.size === 0) this.#buckets.delete(key);
  }

  find(
    remote: Int32Array,
    at: number,
    addressOf: (value: T) => Int32Array,
    test: (value: T) => boolean,
  ): T | undefined {
    const bucket = this.#buckets.get(hash(remote, at));
    let looked = 0;
    for (const value of bucket ?? []) {
      if (looked++ === this.#mostLookedAt) return undefined;
      if (sameAddress(addressOf(value), 0, remote, at) && test(value)) return value;
    }
    return undefined;
  }
}
