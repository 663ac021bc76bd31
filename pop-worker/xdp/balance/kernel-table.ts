import type { BpfMap } from '#host/bpf/map.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Elements of a map as they should be: what differs is written, and nothing else. */
export class KernelTable {
  readonly #map: BpfMap;
  /** Values by keys. */
  readonly #there = new Map<string, Uint8Array>();

  /** @param map which may have been filled by a process before this one @param isThere tells an empty element of an array */
  constructor(map: BpfMap, isThere: (value: Uint8Array) => boolean = () => true) {
    this.#map = map;
    map.each((key, value) => {
      if (isThere(value)) this.#there.set(hex(key), value.slice());
    });
  }

  /** What is there. */
  *entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    for (const [key, value] of this.#there) yield [Buffer.from(key, 'hex'), value];
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#there.get(hex(key));
  }

  /** @returns whether it was another one before */
  set(key: Uint8Array, value: Uint8Array): boolean {
    const name = hex(key);
    const before = this.#there.get(name);
    if (before !== undefined && Buffer.compare(before, value) === 0) return false;
    this.#map.update(key, value);
    this.#there.set(name, value);
    return true;
  }

  /** Takes away what is not among these. @param empty of an array, whose elements stay @returns keys of what went */
  keepOnly(keys: readonly Uint8Array[], empty?: Uint8Array): Uint8Array[] {
    const kept = new Set(keys.map(hex));
    const gone = [...this.#there.keys()].filter((name) => !kept.has(name));
    return gone.map((name) => {
      const key = Buffer.from(name, 'hex');
      if (empty === undefined) this.#map.delete(key);
      else this.#map.update(key, empty);
      this.#there.delete(name);
      return key;
    });
  }
}
