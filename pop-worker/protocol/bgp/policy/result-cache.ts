import type { AttributeStore } from '../rib/attribute-store.ts';
import { REJECT } from '../rib/route-policy.ts';

/** Nothing is known. */
export const UNKNOWN = -2;

/** A power of two: 80 KiB a cache. Routes that follow each other mostly share attributes, or ones of a few UPDATEs ago. */
const ENTRIES = 4096;
const WIDTH = 5;

/**
 * What became of a set of attributes. It holds no references: an entry counts as long as both sets are those that they
 * were, which their generations tell.
 */
export class ResultCache {
  readonly #store: AttributeStore;
  /** Of an entry: the set and its generation, a tag, what it became and the generation of that. */
  readonly #entries = new Int32Array(ENTRIES * WIDTH).fill(-1);

  constructor(store: AttributeStore) {
    this.#store = store;
  }

  /**
   * @param tag of what else the answer depends on
   * @returns the id, with a reference that is the caller's where it is another than `set`; `REJECT`; or `UNKNOWN`
   */
  find(set: number, tag: number): number {
    const entries = this.#entries;
    const at = placeOf(set, tag);
    const { generation } = this.#store.columns;
    if (entries[at] !== set || entries[at + 1] !== ((generation[set] as number) | 0) || entries[at + 2] !== tag)
      return UNKNOWN;
    const result = entries[at + 3] as number;
    if (result === REJECT || result === set) return result;
    if (entries[at + 4] !== ((generation[result] as number) | 0) || this.#store.references(result) === 0)
      return UNKNOWN;
    this.#store.retain(result);
    return result;
  }

  put(set: number, tag: number, result: number): void {
    const entries = this.#entries;
    const at = placeOf(set, tag);
    const { generation } = this.#store.columns;
    entries[at] = set;
    entries[at + 1] = generation[set] as number;
    entries[at + 2] = tag;
    entries[at + 3] = result;
    entries[at + 4] = result === REJECT ? 0 : (generation[result] as number);
  }
}

const placeOf = (set: number, tag: number): number => ((set ^ Math.imul(tag, 0x9e37_79b1)) & (ENTRIES - 1)) * WIDTH;
