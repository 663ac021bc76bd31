import { entryBytes } from './dynamic-table.ts';
import type { Field } from './field.ts';
import { isNeverIndexed, staticIndex, staticNameIndex } from './section-encoder.ts';

/** Fields that are remembered; four bytes each. */
const REMEMBERED = 128;
/** An entry of more than this share of the table would push out too much else. */
const LARGEST_SHARE = 1 / 2;
/** Below this a value is no longer than the reference to it, when its name is in the static table. */
const SHORT_VALUE = 3;

/** FNV-1a over both strings, with a unit between that no string has. */
const hash = (name: string, value: string): number => {
  let state = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ 0x100, 0x01000193);
  for (let i = 0; i < value.length; i++) state = Math.imul(state ^ value.charCodeAt(i), 0x01000193);
  return state >>> 0;
};

/** Whether the static table or secrecy leaves nothing to do for the dynamic one. */
export const needsNoEntry = (field: Field): boolean =>
  isNeverIndexed(field) || staticIndex(field.name, field.value) >= 0;

/**
 * Which fields are worth an entry. One costs as much as a literal, so only what comes again is. What came lately is known
 * by its hash: two fields of one hash cost an entry that is not used.
 */
export class EntryPolicy {
  readonly #hashes = new Uint32Array(REMEMBERED);
  #next = 0;

  /** Remembers what cannot be inserted yet. */
  remember(field: Field): void {
    if (!needsNoEntry(field)) this.#seen(field.name, field.value);
  }

  /** Also remembers the field, one that `needsNoEntry` is not true of. */
  isWorthAnEntry({ name, value }: Field, capacity: number): boolean {
    if (entryBytes(name, value) > capacity * LARGEST_SHARE) return false;
    if (value.length < SHORT_VALUE && staticNameIndex(name) >= 0) return false;
    return this.#seen(name, value);
  }

  #seen(name: string, value: string): boolean {
    const hashed = hash(name, value);
    if (this.#hashes.includes(hashed)) return true;
    this.#hashes[this.#next] = hashed;
    this.#next = (this.#next + 1) % REMEMBERED;
    return false;
  }
}
