import { hashAddress } from '#protocol/ip/address-hash.ts';
import { Target } from './targets.ts';

const FREE = -1;
const GONE = -2;
const FIRST_CAPACITY = 64;
const WORDS = 4;

/**
 * Routes by table and prefix: what is wanted and what is in the kernel, in columns of numbers, so that a full table
 * costs tens of megabytes (29 bytes a route, and 8 to 16 to find it by) and no objects.
 */
export class RouteStore {
  /** Address words, four a route; IPv4 uses the first. */
  words = new Uint32Array(FIRST_CAPACITY * WORDS);
  /** Length of the prefix, 1 << 8 for IPv6, place of the table << 16. */
  keys = new Uint32Array(FIRST_CAPACITY);
  wanted = new Uint32Array(FIRST_CAPACITY);
  installed = new Uint32Array(FIRST_CAPACITY);
  /** Bits of `Mark`. */
  marks = new Uint8Array(FIRST_CAPACITY);
  #slots = new Int32Array(FIRST_CAPACITY * 2).fill(FREE);
  #filled = 0;
  #free: number[] = [];
  /** Behind the last place that was ever used. */
  end = 0;
  size = 0;

  /** @param address words in host order of the network's bytes @returns its place, or -1 */
  find(address: Uint32Array, key: number): number {
    const slot = this.#probe(address, key);
    return slot < 0 ? -1 : (this.#slots[slot] as number);
  }

  /** @returns its place; a new one is neither wanted nor installed */
  put(address: Uint32Array, key: number): number {
    let slot = this.#probe(address, key);
    if (slot >= 0) return this.#slots[slot] as number;
    if ((this.#filled + 1) * 2 > this.#slots.length) {
      this.#rebuild();
      slot = this.#probe(address, key);
    }
    const place = this.#free.pop() ?? this.#append();
    if (this.#slots[~slot] === FREE) this.#filled++;
    this.#slots[~slot] = place;
    this.words.set(address.subarray(0, WORDS), place * WORDS);
    this.keys[place] = key;
    this.wanted[place] = Target.none;
    this.installed[place] = Target.none;
    this.marks[place] = Mark.used;
    this.size++;
    return place;
  }

  /** Forgets a route. */
  drop(place: number): void {
    const address = this.words.subarray(place * WORDS, place * WORDS + WORDS);
    const slot = this.#probe(address, this.keys[place] as number);
    if (slot < 0) return;
    this.#slots[slot] = GONE;
    this.marks[place] = 0;
    this.wanted[place] = Target.none;
    this.installed[place] = Target.none;
    this.#free.push(place);
    this.size--;
  }

  /** @returns the slot of a route, or the complement of where it would go */
  #probe(address: Uint32Array, key: number): number {
    const last = this.#slots.length - 1;
    const [a = 0, b = 0, c = 0, d = 0] = address;
    let slot = (hashAddress(a, b, c, d) ^ Math.imul(key, 0x9e3779b1)) & last;
    let free = -1;
    for (;;) {
      const place = this.#slots[slot] as number;
      if (place === FREE) return ~(free < 0 ? slot : free);
      if (place === GONE) {
        if (free < 0) free = slot;
      } else if (this.#holds(place, a, b, c, d, key)) return slot;
      slot = (slot + 1) & last;
    }
  }

  #holds(place: number, a: number, b: number, c: number, d: number, key: number): boolean {
    const { words } = this;
    const at = place * WORDS;
    return (
      this.keys[place] === key && words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d
    );
  }

  #append(): number {
    const place = this.end++;
    const capacity = this.keys.length;
    if (place < capacity) return place;
    const grown = <Column extends Uint32Array | Uint8Array>(column: Column, larger: Column): Column => {
      larger.set(column);
      return larger;
    };
    this.words = grown(this.words, new Uint32Array(capacity * 2 * WORDS));
    this.keys = grown(this.keys, new Uint32Array(capacity * 2));
    this.wanted = grown(this.wanted, new Uint32Array(capacity * 2));
    this.installed = grown(this.installed, new Uint32Array(capacity * 2));
    this.marks = grown(this.marks, new Uint8Array(capacity * 2));
    return place;
  }

  /** Without what is gone, and with room for as many again. */
  #rebuild(): void {
    let capacity = FIRST_CAPACITY * 2;
    while (capacity < (this.size + 1) * 4) capacity *= 2;
    this.#slots = new Int32Array(capacity).fill(FREE);
    this.#filled = 0;
    for (let place = 0; place < this.end; place++) {
      if (((this.marks[place] as number) & Mark.used) === 0) continue;
      const address = this.words.subarray(place * WORDS, place * WORDS + WORDS);
      this.#slots[~this.#probe(address, this.keys[place] as number)] = place;
      this.#filled++;
    }
  }
}

/** Of a route. */
export const Mark = {
  used: 1,
  /** Waits to be compared with the kernel. */
  queued: 2,
  /** The running check has come across it. */
  seen: 4,
  /** Something that is not ours lies in its place. */
  conflict: 8,
  /** The kernel did not take it. */
  refused: 16,
} as const;
