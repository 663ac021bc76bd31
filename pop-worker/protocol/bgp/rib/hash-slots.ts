/**
 * Slots of an open-addressing hash table with linear probing: pairs of id + 1 (0: free) and hash. Who has the keys searches
 * `pairs` from `hash & mask` on, until what it looks for or a free slot.
 */
export class HashSlots {
  pairs = new Int32Array(2 * 64);
  mask = 63;

  put(slot: number, id: number, hash: number): void {
    this.pairs[2 * slot] = id + 1;
    this.pairs[2 * slot + 1] = hash;
  }

  /** Twice as many, once `used` are more than two thirds of them. */
  growFor(used: number): void {
    if (used * 3 <= this.mask * 2) return;
    const old = this.pairs;
    const pairs = new Int32Array(old.length * 2);
    const mask = pairs.length / 2 - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] === 0) continue;
      let slot = (old[i + 1] as number) & mask;
      while (pairs[2 * slot] !== 0) slot = (slot + 1) & mask;
      pairs[2 * slot] = old[i] as number;
      pairs[2 * slot + 1] = old[i + 1] as number;
    }
    this.pairs = pairs;
    this.mask = mask;
  }

  /** Frees a slot, and closes the gap so that no search ends before what it looks for. */
  remove(from: number): void {
    const { pairs, mask } = this;
    let slot = from;
    for (let next = (slot + 1) & mask; pairs[2 * next] !== 0; next = (next + 1) & mask) {
      const home = (pairs[2 * next + 1] as number) & mask;
      // Whether it is as far from home as from the gap, or further, around the end too.
      if (((next - home) & mask) < ((next - slot) & mask)) continue;
      pairs[2 * slot] = pairs[2 * next] as number;
      pairs[2 * slot + 1] = pairs[2 * next + 1] as number;
      slot = next;
    }
    pairs[2 * slot] = 0;
  }
}
