import { type HashKey, hashWords } from '../../keyed-hash.ts';
import { HashSlots } from './hash-slots.ts';

/** Of an id that stands for no prefix. */
const FREE = 255;
/** No such prefix. */
export const NO_PREFIX = -1;

/**
 * Prefixes of one family, each known by a small number: columns of routes are indexed by it. Found by an open-addressing
 * hash of address and length; numbers that were given back are given again. Nothing is allocated for a prefix.
 */
export class PrefixTable {
  readonly bits: 32 | 128;
  /** Prefixes that are here. */
  size = 0;
  readonly #words: 1 | 4;
  readonly #key: HashKey;
  /** What is looked for: address and length. */
  readonly #probe: Int32Array;
  readonly #slots = new HashSlots();
  /** By id; words of an address one behind the other. Of free ids, the first word chains them. */
  #addresses: Int32Array<ArrayBuffer>;
  #lengths = new Uint8Array(64).fill(FREE);
  #ids = 0;
  #freeId = NO_PREFIX;
  /** How many there are of each length, and the lengths that there are, longest first. */
  readonly #counts: Uint32Array;
  #present: number[] = [];

  constructor(bits: 32 | 128, key: HashKey) {
    this.bits = bits;
    this.#words = bits === 32 ? 1 : 4;
    this.#key = key;
    this.#probe = new Int32Array(this.#words + 1);
    this.#addresses = new Int32Array(64 * this.#words);
    this.#counts = new Uint32Array(bits + 1);
  }

  /** All ids are below this. */
  get limit(): number {
    return this.#ids;
  }

  /** Columns by id have to be so long. */
  get capacity(): number {
    return this.#lengths.length;
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    return (
      this.#slots.pairs.byteLength + this.#addresses.byteLength + this.#lengths.byteLength + this.#counts.byteLength
    );
  }

  /**
   * @param address words, the first of which is all of an IPv4 address; bits past the length are zero
   * @returns the id, of one that is made when there is none
   */
  intern(address: Uint32Array, length: number): number {
    const hash = this.#load(address, length);
    const slot = this.#search(hash);
    const found = (this.#slots.pairs[2 * slot] as number) - 1;
    return found >= 0 ? found : this.#add(slot, hash, length);
  }

  /** @returns the id, or `NO_PREFIX` */
  find(address: Uint32Array, length: number): number {
    const slot = this.#search(this.#load(address, length));
    return (this.#slots.pairs[2 * slot] as number) - 1;
  }

  /** Whether an id stands for a prefix: to go through all of them, up to `limit`. */
  has(id: number): boolean {
    return this.#lengths[id] !== FREE;
  }

  lengthOf(id: number): number {
    return this.#lengths[id] as number;
  }

  /** Puts the address of a prefix into words; the rest of them are zero. */
  addressOf(id: number, out: Uint32Array): void {
    const at = id * this.#words;
    out.fill(0);
    for (let i = 0; i < this.#words; i++) out[i] = this.#addresses[at + i] as number;
  }

  /** The longest prefix that an address is in. @returns its id, or `NO_PREFIX` */
  lookup(address: Uint32Array): number {
    const probe = this.#probe;
    const present = this.#present;
    for (let n = 0; n < present.length; n++) {
      const length = present[n] as number;
      for (let i = 0; i < this.#words; i++) probe[i] = (address[i] as number) & maskOf(length - 32 * i);
      probe[this.#words] = length;
      const slot = this.#search(hashWords(probe, 0, this.#words + 1, this.#key));
      const id = (this.#slots.pairs[2 * slot] as number) - 1;
      if (id >= 0) return id;
    }
    return NO_PREFIX;
  }

  /** Takes out a prefix, whose id may become another's. */
  delete(id: number): void {
    const length = this.#lengths[id] as number;
    const at = id * this.#words;
    for (let i = 0; i < this.#words; i++) this.#probe[i] = this.#addresses[at + i] as number;
    this.#probe[this.#words] = length;
    this.#slots.remove(this.#search(hashWords(this.#probe, 0, this.#words + 1, this.#key)));
    this.#lengths[id] = FREE;
    this.#addresses[at] = this.#freeId;
    this.#freeId = id;
    this.size--;
    this.#count(length, -1);
  }

  #load(address: Uint32Array, length: number): number {
    const probe = this.#probe;
    for (let i = 0; i < this.#words; i++) probe[i] = address[i] as number;
    probe[this.#words] = length;
    return hashWords(probe, 0, this.#words + 1, this.#key);
  }

  /** @returns the slot of what is in `#probe`, or the free one where it would go */
  #search(hash: number): number {
    const { pairs, mask } = this.#slots;
    let slot = hash & mask;
    for (;;) {
      const id = (pairs[2 * slot] as number) - 1;
      if (id < 0 || (pairs[2 * slot + 1] === hash && this.#isProbe(id))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isProbe(id: number): boolean {
    const probe = this.#probe;
    const words = this.#words;
    const at = id * words;
    for (let i = 0; i < words; i++) if (this.#addresses[at + i] !== probe[i]) return false;
    return this.#lengths[id] === probe[words];
  }

  #add(slot: number, hash: number, length: number): number {
    const id = this.#takeId();
    const at = id * this.#words;
    for (let i = 0; i < this.#words; i++) this.#addresses[at + i] = this.#probe[i] as number;
    this.#lengths[id] = length;
    this.#slots.put(slot, id, hash);
    this.#slots.growFor(++this.size);
    this.#count(length, 1);
    return id;
  }

  #takeId(): number {
    const free = this.#freeId;
    if (free >= 0) {
      this.#freeId = this.#addresses[free * this.#words] as number;
      return free;
    }
    if (this.#ids === this.#lengths.length) {
      const addresses = new Int32Array(this.#addresses.length * 2);
      addresses.set(this.#addresses);
      this.#addresses = addresses;
      const lengths = new Uint8Array(this.#lengths.length * 2).fill(FREE);
      lengths.set(this.#lengths);
      this.#lengths = lengths;
    }
    return this.#ids++;
  }

  #count(length: number, change: 1 | -1): void {
    const count = (this.#counts[length] as number) + change;
    this.#counts[length] = count;
    if (count > 1 || (count === 1 && change === -1)) return;
    if (count === 1) this.#present = [...this.#present, length].sort((a, b) => b - a);
    else this.#present = this.#present.filter((other) => other !== length);
  }
}

/** Of a word of an address, the first so many bits. */
export const maskOf = (bits: number): number => (bits >= 32 ? -1 : bits <= 0 ? 0 : ~0 << (32 - bits));
