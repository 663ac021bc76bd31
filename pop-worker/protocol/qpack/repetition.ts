/** Fields that are remembered; four bytes each. */
const REMEMBERED = 128;

/** FNV-1a over both strings, with a unit between that no string has. */
const hash = (name: string, value: string): number => {
  let state = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ 0x100, 0x01000193);
  for (let i = 0; i < value.length; i++) state = Math.imul(state ^ value.charCodeAt(i), 0x01000193);
  return state >>> 0;
};

/**
 * What was sent lately, by hash: an entry costs as much as a literal, so only what comes again is worth one. Two fields
 * of one hash cost an entry that is not used.
 */
export class Repetition {
  readonly #hashes = new Uint32Array(REMEMBERED);
  #next = 0;

  /** Remembers the field. @returns whether it was remembered */
  seen(name: string, value: string): boolean {
    const hashed = hash(name, value);
    if (this.#hashes.includes(hashed)) return true;
    this.#hashes[this.#next] = hashed;
    this.#next = (this.#next + 1) % REMEMBERED;
    return false;
  }
}
