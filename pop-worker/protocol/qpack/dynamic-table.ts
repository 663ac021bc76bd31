import { FIELD_OVERHEAD_BYTES, type Field } from './field.ts';

/** The size of an entry (RFC 9204 §3.2.1). */
export const entryBytes = (name: string, value: string): number => name.length + value.length + FIELD_OVERHEAD_BYTES;

/** How many entries a table of so many bytes can have (RFC 9204 §4.5.1.1). */
export const maxEntries = (capacity: number): number => Math.floor(capacity / FIELD_OVERHEAD_BYTES);

/**
 * Entries in the order in which they were inserted, each under its absolute index (RFC 9204 §3.2). Encoder and decoder
 * have one each; whether an entry may be evicted is for the encoder to know. Memory is the maximum capacity, for
 * the overhead that each entry counts covers what it takes here.
 */
export class DynamicTable {
  readonly maxCapacity: number;
  /** Called for each entry that is evicted. */
  readonly #evicted: ((field: Field, index: number) => void) | undefined;
  /** A ring, as no more entries fit than it has places. */
  readonly #entries: Field[] = [];
  #capacity = 0;
  #size = 0;
  #inserted = 0;
  #dropped = 0;

  constructor(maxCapacity: number, evicted?: (field: Field, index: number) => void) {
    this.maxCapacity = maxCapacity;
    this.#evicted = evicted;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes of all entries. */
  get size(): number {
    return this.#size;
  }

  /** The Insert Count: the absolute index of the next entry. */
  get inserted(): number {
    return this.#inserted;
  }

  /** The absolute index of the oldest entry; `inserted` when there is none. */
  get oldest(): number {
    return this.#dropped;
  }

  /** RFC 9204 §3.2.2: what does not fit any more is evicted. @returns false beyond the maximum */
  setCapacity(capacity: number): boolean {
    if (capacity > this.maxCapacity) return false;
    this.#capacity = capacity;
    this.#makeRoom(0);
    return true;
  }

  /** @returns undefined for what was evicted and what is not inserted yet */
  get(index: number): Field | undefined {
    if (index < this.#dropped || index >= this.#inserted) return undefined;
    return this.#entries[index % maxEntries(this.maxCapacity)];
  }

  /** @returns false when it is larger than the capacity */
  insert(name: string, value: string): boolean {
    const bytes = entryBytes(name, value);
    if (bytes > this.#capacity) return false;
    this.#makeRoom(bytes);
    this.#entries[this.#inserted % maxEntries(this.maxCapacity)] = Object.freeze({ name, value });
    this.#inserted++;
    this.#size += bytes;
    return true;
  }

  #makeRoom(bytes: number): void {
    while (this.#size + bytes > this.#capacity) {
      const field = this.get(this.#dropped) as Field;
      this.#size -= entryBytes(field.name, field.value);
      this.#evicted?.(field, this.#dropped);
      this.#dropped++;
    }
  }
}
