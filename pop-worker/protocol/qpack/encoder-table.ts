import { DynamicTable, entryBytes } from './dynamic-table.ts';
import type { Field } from './field.ts';

/** Entries of one name: the newest of all, and the newest of each value. */
interface Named {
  newest: number;
  readonly values: Map<string, number>;
}

/** The share of the capacity, at the old end of a full table, that is not referred to any more (RFC 9204 §2.1.1.1). */
const DRAINING = 1 / 8;

/** The encoder's view of the dynamic table: entries are found by what they hold. */
export class EncoderTable {
  readonly #table: DynamicTable;
  readonly #names = new Map<string, Named>();
  /** Bytes of the entries that are still in the table and older than `#drainedTo`. */
  #drained = 0;
  #drainedTo = 0;

  constructor(maxCapacity: number) {
    this.#table = new DynamicTable(maxCapacity, (field, index) => this.#forget(field, index));
    this.#table.setCapacity(maxCapacity);
  }

  get capacity(): number {
    return this.#table.capacity;
  }

  get size(): number {
    return this.#table.size;
  }

  /** The Insert Count. */
  get inserted(): number {
    return this.#table.inserted;
  }

  /** The absolute index of the newest entry with this field, -1 when there is none. */
  find(name: string, value: string): number {
    return this.#names.get(name)?.values.get(value) ?? -1;
  }

  /** The absolute index of the newest entry with this name, -1 when there is none. */
  findName(name: string): number {
    return this.#names.get(name)?.newest ?? -1;
  }

  /** Close to eviction: a new reference would be in the way of new entries. */
  isDraining(index: number): boolean {
    return index < this.#drainedTo;
  }

  /**
   * Whether so many bytes fit without evicting what must stay.
   *
   * @param evictable entries below this absolute index may go
   */
  hasRoom(bytes: number, evictable: number): boolean {
    const table = this.#table;
    let missing = table.size + bytes - table.capacity;
    for (let index = table.oldest; missing > 0; index++) {
      const field = index < evictable ? table.get(index) : undefined;
      if (field === undefined) return false;
      missing -= entryBytes(field.name, field.value);
    }
    return true;
  }

  /** `hasRoom` was asked before. @returns the absolute index of the new entry */
  insert(name: string, value: string): number {
    const index = this.#table.inserted;
    this.#table.insert(name, value);
    const named = this.#names.get(name) ?? { newest: index, values: new Map<string, number>() };
    this.#names.set(name, named);
    named.newest = index;
    named.values.set(value, index);
    this.#drain();
    return index;
  }

  #drain(): void {
    const table = this.#table;
    for (;;) {
      const field = table.get(this.#drainedTo);
      if (field === undefined || table.size - this.#drained <= table.capacity * (1 - DRAINING)) return;
      this.#drained += entryBytes(field.name, field.value);
      this.#drainedTo++;
    }
  }

  #forget({ name, value }: Field, index: number): void {
    if (index < this.#drainedTo) this.#drained -= entryBytes(name, value);
    else this.#drainedTo = index + 1;
    const named = this.#names.get(name) as Named;
    // Entries go in the order in which they came: when the newest of a name goes, it is the last.
    if (named.newest === index) this.#names.delete(name);
    else if (named.values.get(value) === index) named.values.delete(value);
  }
}
