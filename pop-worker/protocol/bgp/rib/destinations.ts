import type { HashKey } from '../../keyed-hash.ts';
import { PrefixCursor } from '../wire/nlri.ts';
import type { UpdateWriter } from '../wire/update-writer.ts';
import { PrefixTable } from './prefix-table.ts';

/** What routes of a family lead to, each known by a small number: prefixes, or flow specifications. */
export interface Destinations {
  /** All ids are below. */
  readonly limit: number;
  /** Columns by id have to be so long. */
  readonly capacity: number;
  readonly size: number;
  /** Bytes of memory that are taken. */
  readonly memory: number;
  /** Begins to read a field of an UPDATE that was checked. */
  read(buffer: Uint8Array, start: number, end: number, hasPathIds: boolean): void;
  /** @returns whether there was one more in the field */
  next(): boolean;
  /** Of the one that was read. */
  readonly pathId: number;
  /** @returns the id of the one that was read, of a new one when it was not here */
  intern(): number;
  /** @returns the id of the one that was read, or -1 */
  find(): number;
  has(id: number): boolean;
  /** Its id may become another's. */
  delete(id: number): void;
  /** Puts one in the UPDATE that is being written. @returns false when there is no room for it */
  addTo(writer: UpdateWriter, id: number, pathId: number): boolean;
}

export class PrefixDestinations implements Destinations {
  readonly table: PrefixTable;
  readonly #cursor = new PrefixCursor();
  readonly #address = new Uint32Array(4);

  constructor(bits: 32 | 128, key: HashKey) {
    this.table = new PrefixTable(bits, key);
  }

  get limit(): number {
    return this.table.limit;
  }

  get capacity(): number {
    return this.table.capacity;
  }

  get size(): number {
    return this.table.size;
  }

  get memory(): number {
    return this.table.memory;
  }

  get pathId(): number {
    return this.#cursor.pathId;
  }

  read(buffer: Uint8Array, start: number, end: number, hasPathIds: boolean): void {
    this.#cursor.reset(buffer, start, end, hasPathIds);
  }

  next(): boolean {
    return this.#cursor.next();
  }

  intern(): number {
    return this.table.intern(this.#cursor.address, this.#cursor.length);
  }

  find(): number {
    return this.table.find(this.#cursor.address, this.#cursor.length);
  }

  has(id: number): boolean {
    return this.table.has(id);
  }

  delete(id: number): void {
    this.table.delete(id);
  }

  addTo(writer: UpdateWriter, id: number, pathId: number): boolean {
    this.table.addressOf(id, this.#address);
    return writer.add(this.#address, this.table.lengthOf(id), pathId);
  }
}
