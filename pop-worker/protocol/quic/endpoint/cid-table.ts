const MAX_WORDS = 5;
const START_SLOTS = 64;

/**
 * Connection IDs to values, without a string or an object made for a look-up: open addressing, keys as 32-bit words. The
 * hash is keyed, for clients choose some of the IDs. IDs have 1 to 20 bytes.
 */
export class CidTable<T> {
  readonly #seed: number;
  #slots = START_SLOTS;
  #words = new Int32Array(START_SLOTS * MAX_WORDS);
  /** Length of the key; 0 empty, -1 deleted. */
  #lengths = new Int8Array(START_SLOTS);
  #values: (T | undefined)[] = new Array(START_SLOTS).fill(undefined);
  #used = 0;
  #size = 0;
  readonly #key = new Int32Array(MAX_WORDS);
  #keyLength = 0;
  /** Where the last look-up ended: most datagrams are for the same connection as the one before. */
  #last = 0;

  /** @param seed unpredictable 32 bits */
  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  /** Places that the table has; for tests. */
  get slots(): number {
    return this.#slots;
  }

  get size(): number {
    return this.#size;
  }

  get(buffer: Uint8Array, start: number, length: number): T | undefined {
    this.#load(buffer, start, length);
    if (this.#matches(this.#last)) return this.#values[this.#last];
    const slot = this.#find();
    if (slot < 0) return undefined;
    this.#last = slot;
    return this.#values[slot];
  }

  set(cid: Uint8Array, value: T): void {
    this.#load(cid, 0, cid.length);
    const found = this.#find();
    if (found >= 0) {
      this.#values[found] = value;
      return;
    }
    if (2 * (this.#used + 1) > this.#slots) this.#rehash();
    this.#insert(value);
  }

  delete(cid: Uint8Array): void {
    this.#load(cid, 0, cid.length);
    const slot = this.#find();
    if (slot < 0) return;
    this.#lengths[slot] = -1;
    this.#values[slot] = undefined;
    this.#size--;
  }

  #load(buffer: Uint8Array, start: number, length: number): void {
    const key = this.#key;
    this.#keyLength = length;
    let word = 0;
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      const i = start + at;
      key[word++] =
        (buffer[i] as number) |
        ((buffer[i + 1] as number) << 8) |
        ((buffer[i + 2] as number) << 16) |
        ((buffer[i + 3] as number) << 24);
    }
    if (at === length) return;
    let rest = 0;
    for (let shift = 0; at < length; at++, shift += 8) rest |= (buffer[start + at] as number) << shift;
    key[word] = rest;
  }

  #matches(slot: number): boolean {
    const length = this.#keyLength;
    if (this.#lengths[slot] !== length) return false;
    const words = this.#words;
    const key = this.#key;
    const base = slot * MAX_WORDS;
    for (let i = 0; i < (length + 3) >> 2; i++) if (words[base + i] !== key[i]) return false;
    return true;
  }

  #hash(): number {
    let h = this.#seed ^ this.#keyLength;
    for (let i = 0; i < (this.#keyLength + 3) >> 2; i++) {
      h = Math.imul(h ^ (this.#key[i] as number), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
      h ^= h >>> 13;
    }
    return h >>> 0;
  }

  #find(): number {
    const mask = this.#slots - 1;
    for (let slot = this.#hash() & mask; this.#lengths[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#matches(slot)) return slot;
    }
    return -1;
  }

  /** The loaded key, known not to be there. */
  #insert(value: T): void {
    const mask = this.#slots - 1;
    let slot = this.#hash() & mask;
    while (this.#lengths[slot] !== 0) slot = (slot + 1) & mask;
    this.#words.set(this.#key, slot * MAX_WORDS);
    this.#lengths[slot] = this.#keyLength;
    this.#values[slot] = value;
    this.#used++;
    this.#size++;
  }

  /** Drops what was deleted, and doubles if that does not help enough. */
  #rehash(): void {
    const words = this.#words;
    const lengths = this.#lengths;
    const values = this.#values;
    const key = this.#key.slice();
    const keyLength = this.#keyLength;
    if (4 * (this.#size + 1) > this.#slots) this.#slots *= 2;
    this.#words = new Int32Array(this.#slots * MAX_WORDS);
    this.#lengths = new Int8Array(this.#slots);
    this.#values = new Array(this.#slots).fill(undefined);
    this.#used = 0;
    this.#size = 0;
    this.#last = 0;
    for (let slot = 0; slot < lengths.length; slot++) {
      const length = lengths[slot] as number;
      if (length <= 0) continue;
      this.#key.set(words.subarray(slot * MAX_WORDS, (slot + 1) * MAX_WORDS));
      this.#keyLength = length;
      this.#insert(values[slot] as T);
    }
    this.#key.set(key);
    this.#keyLength = keyLength;
  }
}
