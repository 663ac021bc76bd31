const EMPTY = -1;

/**
 * Slots of a table by a hash of what they hold: open addressing, one typed array for hashes and one for slots. Who looks
 * something up compares what the slots of that hash hold.
 */
export class SlotIndex {
  #hashes: Int32Array;
  #slots: Int32Array;
  #mask: number;
  #size = 0;

  constructor(capacity = 64) {
    this.#hashes = new Int32Array(capacity);
    this.#slots = new Int32Array(capacity).fill(EMPTY);
    this.#mask = capacity - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Where the first slot of this hash stands, or -1. */
  first(hash: number): number {
    return this.#from(hash & this.#mask, hash);
  }

  /** Where the next one stands, or -1. */
  next(at: number, hash: number): number {
    return this.#from((at + 1) & this.#mask, hash);
  }

  slot(at: number): number {
    return this.#slots[at] as number;
  }

  #from(start: number, hash: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    for (let at = start; slots[at] !== EMPTY; at = (at + 1) & this.#mask) if (hashes[at] === hash) return at;
    return -1;
  }

  /** @param hash 32 bits, signed */
  add(hash: number, slot: number): void {
    if (2 * this.#size > this.#mask) this.#grow();
    this.#put(hash, slot);
    this.#size++;
  }

  #put(hash: number, slot: number): void {
    let at = hash & this.#mask;
    while (this.#slots[at] !== EMPTY) at = (at + 1) & this.#mask;
    this.#hashes[at] = hash;
    this.#slots[at] = slot;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const slots = this.#slots;
    const capacity = 2 * slots.length;
    this.#hashes = new Int32Array(capacity);
    this.#slots = new Int32Array(capacity).fill(EMPTY);
    this.#mask = capacity - 1;
    for (let at = 0; at < slots.length; at++) {
      if (slots[at] !== EMPTY) this.#put(hashes[at] as number, slots[at] as number);
    }
  }

  /** Takes a slot out, and closes the gap: nothing is left to be stepped over later. */
  remove(hash: number, slot: number): void {
    const mask = this.#mask;
    const slots = this.#slots;
    const hashes = this.#hashes;
    let gap = this.first(hash);
    while (gap >= 0 && slots[gap] !== slot) gap = this.next(gap, hash);
    if (gap < 0) return;
    this.#size--;
    for (let at = (gap + 1) & mask; slots[at] !== EMPTY; at = (at + 1) & mask) {
      // What may not stand before where it wants to stays.
      const wanted = (hashes[at] as number) & mask;
      if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
      slots[gap] = slots[at] as number;
      hashes[gap] = hashes[at] as number;
      gap = at;
    }
    slots[gap] = EMPTY;
  }
}

/** Spreads three numbers over 32 bits; constants with their bits well mixed, any such would do. */
export const hash3 = (a: number, b: number, c: number): number => {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 15)) + b, 0xc2b2ae35);
  h = Math.imul((h ^ (h >>> 13)) + c, 0x27d4eb2f);
  return h ^ (h >>> 15);
};
