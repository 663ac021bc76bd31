import { hashAddress } from './address-hash.ts';

/** What `lookup` answers when no prefix holds the address. */
export const NO_ROUTE = -1;

const EMPTY = -1;
const DELETED = -2;

/** Prefixes of one length: an open-addressing hash of masked addresses, four words each, in typed arrays. */
class LengthTable {
  readonly length: number;
  readonly #masks: Uint32Array;
  #words = new Uint32Array(8 * 4);
  #values = new Int32Array(8).fill(EMPTY);
  size = 0;
  #filled = 0;

  constructor(length: number) {
    this.length = length;
    this.#masks = Uint32Array.from({ length: 4 }, (_, i) => mask(length - 32 * i));
  }

  /** Slot of a prefix, or the complement of where it would go. */
  find(key: Uint32Array): number {
    const last = this.#values.length - 1;
    const masks = this.#masks;
    const a = (key[0] as number) & (masks[0] as number);
    const b = (key[1] as number) & (masks[1] as number);
    const c = (key[2] as number) & (masks[2] as number);
    const d = (key[3] as number) & (masks[3] as number);
    let slot = hashAddress(a, b, c, d) & last;
    let free = -1;
    for (;;) {
      const value = this.#values[slot] as number;
      if (value === EMPTY) return ~(free < 0 ? slot : free);
      if (value === DELETED) {
        if (free < 0) free = slot;
      } else if (this.#holds(slot * 4, a, b, c, d)) return slot;
      slot = (slot + 1) & last;
    }
  }

  #holds(at: number, a: number, b: number, c: number, d: number): boolean {
    const words = this.#words;
    return words[at] === a >>> 0 && words[at + 1] === b >>> 0 && words[at + 2] === c >>> 0 && words[at + 3] === d >>> 0;
  }

  value(slot: number): number {
    return this.#values[slot] as number;
  }

  set(key: Uint32Array, value: number): void {
    let slot = this.find(key);
    if (slot < 0) {
      if (this.#filled * 2 >= this.#values.length) {
        this.#rebuild();
        slot = this.find(key);
      }
      slot = ~slot;
      if (this.#values[slot] === EMPTY) this.#filled++;
      this.size++;
      for (let i = 0; i < 4; i++) this.#words[slot * 4 + i] = ((key[i] as number) & (this.#masks[i] as number)) >>> 0;
    }
    this.#values[slot] = value;
  }

  delete(key: Uint32Array): boolean {
    const slot = this.find(key);
    if (slot < 0) return false;
    this.#values[slot] = DELETED;
    this.size--;
    return true;
  }

  #rebuild(): void {
    const words = this.#words;
    const values = this.#values;
    let capacity = 8;
    while (capacity < this.size * 4) capacity *= 2;
    this.#words = new Uint32Array(capacity * 4);
    this.#values = new Int32Array(capacity).fill(EMPTY);
    this.#filled = 0;
    this.size = 0;
    for (let slot = 0; slot < values.length; slot++) {
      const value = values[slot] as number;
      if (value >= 0) this.set(words.subarray(slot * 4, slot * 4 + 4), value);
    }
  }
}

const mask = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : (~0 << (32 - bits)) >>> 0);

/**
 * Longest-prefix match for one address family. Lookups allocate nothing and cost one hash probe for each prefix length
 * in use, longest first: few lengths (hosts, a site's prefixes, a default) are the normal case at an edge.
 */
export class PrefixTable {
  readonly addressBytes: 4 | 16;
  /** Longest first. */
  readonly #lengths: LengthTable[] = [];
  readonly #key = new Uint32Array(4);

  constructor(addressBytes: 4 | 16) {
    this.addressBytes = addressBytes;
  }

  get size(): number {
    return this.#lengths.reduce((sum, table) => sum + table.size, 0);
  }

  /**
   * @param address as bytes; those past the prefix length are ignored
   * @param prefixLength bits, 0 to 32 or 128
   * @param value what `lookup` returns: an integer from 0
   */
  set(address: Uint8Array, prefixLength: number, value: number): void {
    this.#check(address, prefixLength);
    if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff)
      throw new RangeError(`value out of range: ${value}`);
    this.#load(address, 0);
    let at = this.#lengths.findIndex((table) => table.length <= prefixLength);
    if (at < 0) at = this.#lengths.length;
    if (this.#lengths[at]?.length !== prefixLength) this.#lengths.splice(at, 0, new LengthTable(prefixLength));
    (this.#lengths[at] as LengthTable).set(this.#key, value);
  }

  /** @returns whether the prefix was there */
  delete(address: Uint8Array, prefixLength: number): boolean {
    this.#check(address, prefixLength);
    this.#load(address, 0);
    const at = this.#lengths.findIndex((table) => table.length === prefixLength);
    const table = this.#lengths[at];
    if (table === undefined || !table.delete(this.#key)) return false;
    if (table.size === 0) this.#lengths.splice(at, 1);
    return true;
  }

  /** @returns the value of exactly this prefix or `NO_ROUTE` */
  get(address: Uint8Array, prefixLength: number): number {
    this.#check(address, prefixLength);
    this.#load(address, 0);
    const table = this.#lengths.find((candidate) => candidate.length === prefixLength);
    const slot = table?.find(this.#key) ?? -1;
    return table === undefined || slot < 0 ? NO_ROUTE : table.value(slot);
  }

  /** @param at offset of the address in a packet @returns the longest prefix's value or `NO_ROUTE` */
  lookup(buffer: Uint8Array, at: number): number {
    this.#load(buffer, at);
    const lengths = this.#lengths;
    for (let i = 0; i < lengths.length; i++) {
      const table = lengths[i] as LengthTable;
      const slot = table.find(this.#key);
      if (slot >= 0) return table.value(slot);
    }
    return NO_ROUTE;
  }

  #load(buffer: Uint8Array, at: number): void {
    for (let i = 0; i * 4 < this.addressBytes; i++) {
      const from = at + i * 4;
      this.#key[i] =
        ((buffer[from] as number) << 24) |
        ((buffer[from + 1] as number) << 16) |
        ((buffer[from + 2] as number) << 8) |
        (buffer[from + 3] as number);
    }
  }

  #check(address: Uint8Array, prefixLength: number): void {
    if (address.length !== this.addressBytes) throw new RangeError(`address of ${address.length} bytes`);
    if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > this.addressBytes * 8) {
      throw new RangeError(`prefix length out of range: ${prefixLength}`);
    }
  }
}
