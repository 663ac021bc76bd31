import type { Prefix } from '#protocol/ip/text.ts';

/** Where clients of a network are: the points of presence for them, nearest first. */
export interface Place {
  readonly prefix: Prefix;
  readonly nearest: readonly string[];
}

/** What `find` says: whose order it is, and how many bits of the address decide that. */
export interface Found {
  readonly nearest: readonly string[] | undefined;
  readonly scopeLength: number;
}

interface Entry extends Place {
  /** The next larger one that it lies in. */
  parent: Entry | undefined;
}

/** Bits that two addresses have in common at their begin. */
const commonBits = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length; i++) {
    const differing = (a[i] as number) ^ (b[i] as number);
    if (differing !== 0) return i * 8 + Math.clz32(differing) - 24;
  }
  return a.length * 8;
};

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
};

const holds = ({ prefix }: Place, address: Uint8Array): boolean => commonBits(prefix.address, address) >= prefix.length;

/** The larger ones before those that they hold. */
const inOrder = (places: readonly Place[]): Entry[] => {
  const sorted = places
    .map((place): Entry => ({ ...place, parent: undefined }))
    .sort((a, b) => compareBytes(a.prefix.address, b.prefix.address) || a.prefix.length - b.prefix.length);
  const open: Entry[] = [];
  for (const entry of sorted) {
    while (open.length > 0 && !holds(open.at(-1) as Entry, entry.prefix.address)) open.pop();
    entry.parent = open.at(-1);
    open.push(entry);
  }
  return sorted;
};

/** Networks of one family. */
class FamilyPlaces {
  readonly #entries: readonly Entry[];

  constructor(places: readonly Place[]) {
    this.#entries = inOrder(places);
  }

  find(address: Uint8Array): Found {
    const next = this.#firstAfter(address);
    const before = this.#entries[next - 1];
    const after = this.#entries[next];
    let holder = before;
    while (holder !== undefined && !holds(holder, address)) holder = holder.parent;
    // What is answered must not hold for a smaller network that has another answer (RFC 7871 §7.2.1): as many bits as
    // tell the address apart from its neighbours. Those nearest in order have most in common with it.
    const apart = [before, after].map((entry) =>
      entry === undefined || holds(entry, address) ? 0 : commonBits(entry.prefix.address, address) + 1,
    );
    return { nearest: holder?.nearest, scopeLength: Math.max(holder?.prefix.length ?? 0, ...apart) };
  }

  /** The first whose address is greater. */
  #firstAfter(address: Uint8Array): number {
    let from = 0;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compareBytes((this.#entries[middle] as Entry).prefix.address, address) <= 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Finds out which points of presence are near to an address. */
export class Places {
  readonly #byBytes: Readonly<Record<number, FamilyPlaces>>;

  constructor(places: readonly Place[]) {
    const of = (bytes: number): FamilyPlaces =>
      new FamilyPlaces(places.filter(({ prefix }) => prefix.address.length === bytes));
    this.#byBytes = { 4: of(4), 16: of(16) };
  }

  /** @param address 4 or 16 bytes */
  find(address: Uint8Array): Found {
    return this.#byBytes[address.length]?.find(address) ?? { nearest: undefined, scopeLength: 0 };
  }
}
