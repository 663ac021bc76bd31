import { maskOf, PrefixTable } from '#protocol/bgp/rib/prefix-table.ts';
import type { HashKey } from '#protocol/keyed-hash.ts';
import type { PrefixRecord } from './wire/prefix.ts';

/** What RFC 6811 §2 says of a route: `NotFound`, `Valid`, `Invalid`. */
export const RouteValidity = { notFound: 0, valid: 1, invalid: 2 } as const;
export type RouteValidity = (typeof RouteValidity)[keyof typeof RouteValidity];

const NONE = -1;

/** Validated ROA payloads of one address size: by prefix, chains of (maximum length, AS) in typed arrays. */
class SizedVrps {
  readonly #table: PrefixTable;
  /** By length: how many prefixes there are; and the lengths that there are, shortest first. */
  readonly #counts: Uint32Array;
  #lengths: number[] = [];
  readonly #probe = new Uint32Array(4);
  /** By prefix: its first entry. */
  #heads = new Int32Array(0);
  /** By entry; `#next` chains those that are free, too. */
  #ases = new Uint32Array(64);
  #maxLengths = new Uint8Array(64);
  #next = new Int32Array(64);
  #entries = 0;
  #free = NONE;

  constructor(bits: 32 | 128, key: HashKey) {
    this.#table = new PrefixTable(bits, key);
    this.#counts = new Uint32Array(bits + 1);
  }

  get memory(): number {
    const columns = [this.#heads, this.#ases, this.#maxLengths, this.#next];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, this.#table.memory);
  }

  /** @returns false when it is there already */
  add({ address, length, maxLength, as }: PrefixRecord): boolean {
    let prefix = this.#table.find(address, length);
    if (prefix < 0) prefix = this.#newPrefix(address, length);
    else if (this.#search(prefix, maxLength, as) !== NONE) return false;
    const entry = this.#take();
    this.#ases[entry] = as;
    this.#maxLengths[entry] = maxLength;
    this.#next[entry] = this.#heads[prefix] as number;
    this.#heads[prefix] = entry;
    return true;
  }

  /** @returns false when it is not there */
  remove({ address, length, maxLength, as }: PrefixRecord): boolean {
    const prefix = this.#table.find(address, length);
    const entry = prefix < 0 ? NONE : this.#search(prefix, maxLength, as);
    if (entry === NONE) return false;
    const next = this.#next[entry] as number;
    if (this.#heads[prefix] === entry) this.#heads[prefix] = next;
    else this.#next[this.#before(prefix, entry)] = next;
    this.#next[entry] = this.#free;
    this.#free = entry;
    if (this.#heads[prefix] === NONE) {
      this.#table.delete(prefix);
      this.#count(length, -1);
    }
    return true;
  }

  /** RFC 6811 §2. */
  state(address: Uint32Array, length: number, originAs: number): RouteValidity {
    const lengths = this.#lengths;
    const probe = this.#probe;
    let state: RouteValidity = RouteValidity.notFound;
    for (let n = 0; n < lengths.length; n++) {
      const covering = lengths[n] as number;
      if (covering > length) break;
      for (let i = 0; i < 4; i++) probe[i] = (address[i] as number) & maskOf(covering - 32 * i);
      const prefix = this.#table.find(probe, covering);
      if (prefix < 0) continue;
      state = RouteValidity.invalid;
      // AS 0 is no AS's: what names it is matched by nothing (RFC 6483 §4).
      if (originAs === 0) continue;
      for (let entry = this.#heads[prefix] as number; entry !== NONE; entry = this.#next[entry] as number)
        if (this.#ases[entry] === originAs && (this.#maxLengths[entry] as number) >= length) return RouteValidity.valid;
    }
    return state;
  }

  #newPrefix(address: Uint32Array, length: number): number {
    const prefix = this.#table.intern(address, length);
    const { capacity } = this.#table;
    if (this.#heads.length < capacity) {
      const heads = new Int32Array(capacity);
      heads.set(this.#heads);
      this.#heads = heads;
    }
    this.#heads[prefix] = NONE;
    this.#count(length, 1);
    return prefix;
  }

  #search(prefix: number, maxLength: number, as: number): number {
    let entry = this.#heads[prefix] as number;
    while (entry !== NONE && (this.#ases[entry] !== as || this.#maxLengths[entry] !== maxLength))
      entry = this.#next[entry] as number;
    return entry;
  }

  #before(prefix: number, entry: number): number {
    let before = this.#heads[prefix] as number;
    while (this.#next[before] !== entry) before = this.#next[before] as number;
    return before;
  }

  #take(): number {
    const free = this.#free;
    if (free !== NONE) {
      this.#free = this.#next[free] as number;
      return free;
    }
    if (this.#entries === this.#next.length) {
      const more = this.#entries * 2;
      const [ases, maxLengths, next] = [new Uint32Array(more), new Uint8Array(more), new Int32Array(more)];
      ases.set(this.#ases);
      maxLengths.set(this.#maxLengths);
      next.set(this.#next);
      this.#ases = ases;
      this.#maxLengths = maxLengths;
      this.#next = next;
    }
    return this.#entries++;
  }

  #count(length: number, change: 1 | -1): void {
    const count = (this.#counts[length] as number) + change;
    this.#counts[length] = count;
    if (count === 0) this.#lengths = this.#lengths.filter((one) => one !== length);
    else if (count === 1 && change === 1) this.#lengths = [...this.#lengths, length].sort((a, b) => a - b);
  }
}

/** Which AS may originate what, as one cache says it (RFC 6811 §2). */
export class VrpTable {
  /** Payloads that are here. */
  size = 0;
  readonly #ipv4: SizedVrps;
  readonly #ipv6: SizedVrps;

  /** @param key secret, of this run */
  constructor(key: HashKey) {
    this.#ipv4 = new SizedVrps(32, key);
    this.#ipv6 = new SizedVrps(128, key);
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    return this.#ipv4.memory + this.#ipv6.memory;
  }

  /** @returns false when it is there already */
  add(record: PrefixRecord): boolean {
    const isNew = this.#of(record.bits).add(record);
    if (isNew) this.size++;
    return isNew;
  }

  /** @returns false when it is not there */
  remove(record: PrefixRecord): boolean {
    const wasThere = this.#of(record.bits).remove(record);
    if (wasThere) this.size--;
    return wasThere;
  }

  /**
   * @param address four words, the first of which is all of an IPv4 address; bits past the length are zero
   * @param originAs 0: the path ends with an AS_SET
   */
  state(bits: 32 | 128, address: Uint32Array, length: number, originAs: number): RouteValidity {
    return this.#of(bits).state(address, length, originAs);
  }

  #of(bits: 32 | 128): SizedVrps {
    return bits === 32 ? this.#ipv4 : this.#ipv6;
  }
}
