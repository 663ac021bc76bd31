import type { BpfMap } from '#host/bpf/map.ts';
import { type ListAction, ListCell, PrefixV4 } from '../gen/front.ts';

export type Action = (typeof ListAction)['allow' | 'deny'];

/** Prefixes of at most so many bits are in cells alone. */
const CELL_BITS = 24;
const CELLS = 2 ** CELL_BITS;

/** Of 0 to 32 bits, as a number. */
const maskOf = (bits: number): number => (bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0);

/** Longer prefixes within a cell. */
interface Within {
  addresses: number;
  prefixes: number;
}

export interface ListMapsV4 {
  readonly cells: BpfMap;
  readonly addresses: BpfMap;
  readonly prefixes: BpfMap;
}

const encoded = (action: Action): Uint8Array => new Uint8Array(new Uint32Array([action]).buffer);

/**
 * Listed prefixes of IPv4 in the tables of the program: 2^24 cells, one for 256 addresses, written in place; single addresses
 * in a hash, what lies between in a trie. A change costs what it changes: a packet that comes meanwhile is judged by before or
 * after.
 */
export class ListsV4 {
  readonly #maps: ListMapsV4;
  readonly #cells: Uint8Array;
  /** By bits, then by address. */
  readonly #listed: Map<number, Action>[] = Array.from({ length: 33 }, () => new Map());
  /** Bits of the prefix that gave a cell its action, and one. */
  #owners: Uint8Array | undefined;
  readonly #within = new Map<number, Within>();

  constructor(maps: ListMapsV4) {
    this.#maps = maps;
    this.#cells = new Uint8Array(maps.cells.memory(), 0, CELLS);
  }

  get count(): number {
    return this.#listed.reduce((sum, { size }) => sum + size, 0);
  }

  get(address: number, bits: number): Action | undefined {
    return this.#listed[bits]?.get(address);
  }

  /** @param address of 32 bits, none set behind the prefix */
  set(address: number, bits: number, action: Action): void {
    const listed = this.#listed[bits] as Map<number, Action>;
    const isNew = !listed.has(address);
    if (bits <= CELL_BITS) this.#own(address, bits, bits, action);
    else {
      this.#setLong(address, bits, action);
      if (isNew) this.#countLong(address, bits, 1);
    }
    listed.set(address, action);
  }

  /** @returns whether it was listed */
  delete(address: number, bits: number): boolean {
    if (this.#listed[bits]?.delete(address) !== true) return false;
    if (bits <= CELL_BITS) {
      const cover = this.#coverOf(address, bits);
      this.#own(address, bits, cover?.bits ?? -1, cover?.action ?? 0);
    } else {
      this.#deleteLong(address, bits);
      this.#countLong(address, bits, -1);
    }
    return true;
  }

  /** Cells whose action is this prefix's or a shorter one's get that of `owner`. */
  #own(address: number, bits: number, owner: number, action: number): void {
    this.#owners ??= new Uint8Array(CELLS);
    const first = address >>> 8;
    const end = first + 2 ** (CELL_BITS - bits);
    for (let cell = first; cell < end; cell++) {
      if ((this.#owners[cell] as number) > bits + 1) continue;
      this.#owners[cell] = owner + 1;
      this.#cells[cell] = ((this.#cells[cell] as number) & ~ListCell.action) | action;
    }
  }

  /** The longest prefix around this one. */
  #coverOf(address: number, bits: number): { readonly bits: number; readonly action: Action } | undefined {
    for (let shorter = bits - 1; shorter >= 0; shorter--) {
      const action = this.#listed[shorter]?.get((address & maskOf(shorter)) >>> 0);
      if (action !== undefined) return { bits: shorter, action };
    }
    return undefined;
  }

  #key(address: number, bits: number): { readonly map: BpfMap; readonly key: Uint8Array } {
    const key = PrefixV4.encode({ bits, address });
    return bits === 32 ? { map: this.#maps.addresses, key: key.subarray(4) } : { map: this.#maps.prefixes, key };
  }

  #setLong(address: number, bits: number, action: Action): void {
    const { map, key } = this.#key(address, bits);
    map.update(key, encoded(action));
  }

  #deleteLong(address: number, bits: number): void {
    const { map, key } = this.#key(address, bits);
    map.delete(key);
  }

  /** The cell says that there are longer ones while there are. */
  #countLong(address: number, bits: number, change: 1 | -1): void {
    const cell = address >>> 8;
    const within = this.#within.get(cell) ?? { addresses: 0, prefixes: 0 };
    this.#within.set(cell, within);
    if (bits === 32) within.addresses += change;
    else within.prefixes += change;
    const says = (within.addresses > 0 ? ListCell.hasAddresses : 0) | (within.prefixes > 0 ? ListCell.hasPrefixes : 0);
    this.#cells[cell] = ((this.#cells[cell] as number) & ListCell.action) | says;
    if (says === 0) this.#within.delete(cell);
  }
}
