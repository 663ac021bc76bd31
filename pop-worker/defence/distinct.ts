const INDEX_BITS = 8;
const REGISTERS = 1 << INDEX_BITS;
/** Flajolet et al., HyperLogLog (2007), figure 3. */
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
const FNV_PRIME = 0x01000193;

/** FNV-1a, and the end of MurmurHash3 so that all bits matter. @param seed that outsiders do not know */
const hashOf = (bytes: Uint8Array, seed: number): number => {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** How many different ones there were, some 6.5 % more or less, in 256 bytes (HyperLogLog). */
export class Distinct {
  readonly #seed: number;
  readonly #registers = new Uint8Array(REGISTERS);

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(bytes: Uint8Array): void {
    const hash = hashOf(bytes, this.#seed);
    const index = hash >>> (32 - INDEX_BITS);
    const rank = Math.clz32((hash << INDEX_BITS) | (1 << (INDEX_BITS - 1))) + 1;
    if (rank > (this.#registers[index] as number)) this.#registers[index] = rank;
  }

  count(): number {
    let sum = 0;
    let empty = 0;
    for (const rank of this.#registers) {
      sum += 2 ** -rank;
      if (rank === 0) empty++;
    }
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
    // Few of them are counted by the registers that nobody came to.
    const isFew = raw <= 2.5 * REGISTERS && empty > 0;
    return Math.round(isFew ? REGISTERS * Math.log(REGISTERS / empty) : raw);
  }
}
