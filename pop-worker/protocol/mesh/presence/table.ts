import { NEVER, type TimeUs } from '../../contract.ts';
import { DigestTree, leafOf } from './digest-tree.ts';
import { compareRecords, type PresenceRecord } from './record.ts';

/** How long it is remembered that a device left: longer than any message is under way. */
export const GONE_US = 600_000_000;

export type Applied =
  /** It counts from now on. */
  | 'newer'
  | 'same'
  /** What we have counts. */
  | 'older'
  /** There are as many as there may be. */
  | 'full';

/** Where all devices are. */
export class PresenceTable {
  readonly tree = new DigestTree();
  readonly #most: number;
  readonly #records = new Map<string, PresenceRecord>();
  /** Keys of those present, by their leaf of the tree. */
  readonly #leaves = new Map<number, Set<string>>();
  /** Those that left, in the order of their being heard of, with when each is forgotten. */
  readonly #gone = new Map<string, TimeUs>();

  /** @param most records, those of who left included */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#records.size;
  }

  get goneCount(): number {
    return this.#gone.size;
  }

  get(key: string): PresenceRecord | undefined {
    return this.#records.get(key);
  }

  /** Those that are somewhere. */
  *present(): Generator<PresenceRecord> {
    for (const record of this.#records.values()) if (!record.gone) yield record;
  }

  /** Those of a leaf that are somewhere, by their keys. */
  ofLeaf(leaf: number): PresenceRecord[] {
    const keys = [...(this.#leaves.get(leaf) ?? [])].sort();
    return keys.map((key) => this.#records.get(key) as PresenceRecord);
  }

  /** Takes a record if it counts more than what is here. */
  apply(record: PresenceRecord, now: TimeUs): Applied {
    const known = this.#records.get(record.key);
    if (known !== undefined) {
      const order = compareRecords(record, known);
      if (order <= 0) return order === 0 ? 'same' : 'older';
    } else if (this.#records.size >= this.#most) return 'full';
    if (known !== undefined) this.#unlink(known);
    this.#records.set(record.key, record);
    if (record.gone) this.#gone.set(record.key, now + GONE_US);
    else {
      this.tree.toggle(record);
      const leaf = leafOf(record.key);
      const keys = this.#leaves.get(leaf);
      if (keys === undefined) this.#leaves.set(leaf, new Set([record.key]));
      else keys.add(record.key);
    }
    return 'newer';
  }

  /** Forgets a record as if it had never come. */
  remove(key: string): void {
    const known = this.#records.get(key);
    if (known === undefined) return;
    this.#unlink(known);
    this.#records.delete(key);
  }

  #unlink(record: PresenceRecord): void {
    this.#gone.delete(record.key);
    if (record.gone) return;
    this.tree.toggle(record);
    const leaf = leafOf(record.key);
    const keys = this.#leaves.get(leaf);
    keys?.delete(record.key);
    if (keys?.size === 0) this.#leaves.delete(leaf);
  }

  /** Forgets who left long ago. */
  expire(now: TimeUs): void {
    for (const [key, at] of this.#gone) {
      if (at > now) return;
      this.remove(key);
    }
  }

  /** When somebody is forgotten next. */
  deadline(): TimeUs {
    for (const at of this.#gone.values()) return at;
    return NEVER;
  }
}
