import { Segment } from '../wire/attributes/as-path.ts';
import { u32At } from '../wire/bytes.ts';
import type { Atom } from './path-pattern.ts';

/**
 * A pattern of AS paths, asked one AS after the other: for each, all places of the pattern that may have been come to are
 * known as bits. Nothing is tried twice, so that a path costs its length times the length of the pattern, whatever is in it.
 */
export class PathAutomaton {
  /** Which AS may follow which, all in all: what it took to be made. */
  readonly steps: number;
  readonly #atoms: readonly Atom[];
  readonly #words: number;
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;
  readonly #follow: readonly Uint32Array[];
  readonly #isNullable: boolean;
  /** Places that may be come to next, and those that have been come to. */
  #candidates: Uint32Array;
  #reached: Uint32Array;

  constructor(
    atoms: readonly Atom[],
    first: Iterable<number>,
    last: Iterable<number>,
    follow: readonly ReadonlySet<number>[],
    isNullable: boolean,
  ) {
    this.steps = follow.reduce((sum, { size }) => sum + size, atoms.length);
    this.#atoms = atoms;
    this.#words = (atoms.length + 31) >>> 5;
    this.#first = this.#bits(first);
    this.#last = this.#bits(last);
    this.#follow = follow.map((positions) => this.#bits(positions));
    this.#isNullable = isNullable;
    this.#candidates = new Uint32Array(this.#words);
    this.#reached = new Uint32Array(this.#words);
  }

  /** Whether a well-formed AS_PATH of four-byte numbers, in [start, end), is as the pattern has it. */
  test(buffer: Uint8Array, start: number, end: number): boolean {
    if (start === end) return this.#isNullable;
    this.#candidates.set(this.#first);
    for (let at = start; at < end; ) {
      const next = at + 2 + 4 * (buffer[at + 1] as number);
      if (buffer[at] === Segment.set) {
        if (!this.#step(buffer, at + 2, next)) return false;
      } else {
        for (let as = at + 2; as < next; as += 4) if (!this.#step(buffer, as, as + 4)) return false;
      }
      at = next;
    }
    for (let i = 0; i < this.#words; i++)
      if (((this.#reached[i] as number) & (this.#last[i] as number)) !== 0) return true;
    return false;
  }

  /** Takes one AS, or the members of a set. @returns whether there is a place that it leads to */
  #step(buffer: Uint8Array, start: number, end: number): boolean {
    const reached = this.#reached.fill(0);
    let isAny = false;
    for (let word = 0; word < this.#words; word++) {
      let bits = this.#candidates[word] as number;
      while (bits !== 0) {
        const lowest = bits & -bits;
        bits ^= lowest;
        if (!hasAny(this.#atoms[word * 32 + 31 - Math.clz32(lowest)] as Atom, buffer, start, end)) continue;
        reached[word] = (reached[word] as number) | lowest;
        isAny = true;
      }
    }
    this.#candidates.fill(0);
    for (let word = 0; word < this.#words; word++) {
      let bits = reached[word] as number;
      while (bits !== 0) {
        const lowest = bits & -bits;
        bits ^= lowest;
        const follow = this.#follow[word * 32 + 31 - Math.clz32(lowest)] as Uint32Array;
        for (let i = 0; i < this.#words; i++)
          this.#candidates[i] = (this.#candidates[i] as number) | (follow[i] as number);
      }
    }
    return isAny;
  }

  #bits(positions: Iterable<number>): Uint32Array {
    const bits = new Uint32Array(this.#words);
    for (const position of positions) bits[position >>> 5] = (bits[position >>> 5] as number) | (1 << (position & 31));
    return bits;
  }
}

const hasAny = (atom: Atom, buffer: Uint8Array, start: number, end: number): boolean => {
  for (let at = start; at < end; at += 4) if (atom.has(u32At(buffer, at))) return true;
  return false;
};
