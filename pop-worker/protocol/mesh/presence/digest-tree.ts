import type { PresenceRecord } from './record.ts';

/** Children of a node. */
export const FANOUT = 16;
/** Levels below the root: 65,536 leaves. */
export const LEVELS = 4;
const LEAF_BITS = 16;

const mix = (hash: number): number => {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

const hashKey = (key: string, seed: number): number => {
  let h = seed;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193) + (h >>> 15);
  return mix(h);
};

/** The leaf that a key belongs to. */
export const leafOf = (key: string): number => hashKey(key, 0x811c9dc5) >>> (32 - LEAF_BITS);

/** Sums over all records, so that two tables find where they differ in a few messages: a tree of 16 children a node. */
export class DigestTree {
  /** By level from the root's children on: two words a node. */
  readonly #levels = Array.from({ length: LEVELS }, (_, level) => new Int32Array(2 * FANOUT ** (level + 1)));

  /** Puts a record in, or takes it out: both are the same. */
  toggle({ key, epoch, member, revision = 0 }: Pick<PresenceRecord, 'key' | 'epoch' | 'member' | 'revision'>): void {
    // Without a revision it is the sum of earlier versions.
    const place = mix(epoch % 2 ** 32) ^ Math.imul(member, 0x9e3779b1) ^ Math.imul(revision, 0x27d4eb2f);
    const low = hashKey(key, 0x2545f491 ^ place);
    const high = hashKey(key, 0x5bd1e995 ^ mix(low) ^ mix(Math.floor(epoch / 2 ** 32) + member));
    const leaf = leafOf(key);
    for (let level = 0; level < LEVELS; level++) {
      const words = this.#levels[level] as Int32Array;
      const at = 2 * (leaf >>> (LEAF_BITS - 4 * (level + 1)));
      words[at] = (words[at] as number) ^ low;
      words[at + 1] = (words[at + 1] as number) ^ high;
    }
  }

  /** Both words of each child of a node. @param level 0: the root */
  children(level: number, index: number): Int32Array {
    const from = 2 * FANOUT * index;
    return (this.#levels[level] as Int32Array).slice(from, from + 2 * FANOUT);
  }
}
