import type { AddressKey } from './address-key.ts';

export interface TopEntry {
  readonly address: Uint8Array;
  /** At most. */
  readonly weight: number;
  /** Of that, what may have been others'. */
  readonly error: number;
  /** Times that it was added since it is here. */
  readonly times: number;
}

/**
 * Who has most, in so many places (Metwally et al., Space-Saving, 2005): whoever has more than the sum divided by the places is
 * here, however many others come.
 */
export class Top {
  readonly #places: number;
  readonly #entries = new Map<AddressKey, { -readonly [K in keyof TopEntry]: TopEntry[K] }>();

  constructor(places: number) {
    this.#places = places;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(key: AddressKey, address: Uint8Array, weight: number): void {
    const known = this.#entries.get(key);
    if (known) {
      known.weight += weight;
      known.times++;
      return;
    }
    const error = this.#entries.size < this.#places ? 0 : this.#takeLeast();
    this.#entries.set(key, { address, weight: error + weight, error, times: 1 });
  }

  #takeLeast(): number {
    let least: AddressKey | undefined;
    let weight = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#entries) {
      if (entry.weight >= weight) continue;
      least = key;
      weight = entry.weight;
    }
    if (least !== undefined) this.#entries.delete(least);
    return weight;
  }

  entries(): IterableIterator<[AddressKey, TopEntry]> {
    return this.#entries.entries();
  }

  /** The most first. */
  list(most: number): TopEntry[] {
    return [...this.#entries.values()].toSorted((a, b) => b.weight - a.weight).slice(0, most);
  }

  clear(): void {
    this.#entries.clear();
  }
}
