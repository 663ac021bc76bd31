import type { BpfMap } from '#host/bpf/map.ts';
import { ListBlocks, PrefixV6 } from '../gen/front.ts';
import type { Action } from './lists-v4.ts';

/** Prefixes of at least so many bits are within one block. */
const BLOCK_BITS = 32;
const INDEX_BITS = 23;
/** 2^32 divided by the golden ratio, as in bpf/include/lists.h. */
const SPREAD = 0x9e3779b1;

export interface ListMapsV6 {
  readonly blocks: BpfMap;
  readonly prefixes: BpfMap;
}

const encoded = (action: Action): Uint8Array => new Uint8Array(new Uint32Array([action]).buffer);
const nameOf = (address: Uint8Array, bits: number): string => `${Buffer.from(address).toString('hex')}/${bits}`;

/** Listed prefixes of IPv6 in the tables of the program: a trie, and in front of it a bit for those of each block of 32 bits. */
export class ListsV6 {
  readonly #prefixes: BpfMap;
  readonly #bits: Uint8Array;
  readonly #hasShort: Uint32Array;
  readonly #listed = new Map<string, Action>();
  /** Prefixes of a bit. */
  readonly #counts = new Map<number, number>();
  #short = 0;

  constructor({ blocks, prefixes }: ListMapsV6) {
    this.#prefixes = prefixes;
    const memory = blocks.memory();
    const { bits, hasShort } = ListBlocks.places;
    this.#bits = new Uint8Array(memory, bits.at, bits.bytes);
    this.#hasShort = new Uint32Array(memory, hasShort.at, 1);
  }

  get count(): number {
    return this.#listed.size;
  }

  get(address: Uint8Array, bits: number): Action | undefined {
    return this.#listed.get(nameOf(address, bits));
  }

  /** @param address of 16 bytes, no bit set behind the prefix */
  set(address: Uint8Array, bits: number, action: Action): void {
    const name = nameOf(address, bits);
    this.#prefixes.update(PrefixV6.encode({ bits, address }), encoded(action));
    if (!this.#listed.has(name)) this.#count(address, bits, 1);
    this.#listed.set(name, action);
  }

  /** @returns whether it was listed */
  delete(address: Uint8Array, bits: number): boolean {
    if (!this.#listed.delete(nameOf(address, bits))) return false;
    this.#prefixes.delete(PrefixV6.encode({ bits, address }));
    this.#count(address, bits, -1);
    return true;
  }

  #count(address: Uint8Array, bits: number, change: 1 | -1): void {
    if (bits < BLOCK_BITS) {
      this.#short += change;
      this.#hasShort[0] = this.#short > 0 ? 1 : 0;
      return;
    }
    const first = new DataView(address.buffer, address.byteOffset).getUint32(0);
    const block = Math.imul(first, SPREAD) >>> (32 - INDEX_BITS);
    const count = (this.#counts.get(block) ?? 0) + change;
    const bit = 1 << (block & 7);
    const at = block >>> 3;
    if (count > 0) {
      this.#counts.set(block, count);
      this.#bits[at] = (this.#bits[at] as number) | bit;
    } else {
      this.#counts.delete(block);
      this.#bits[at] = (this.#bits[at] as number) & ~bit;
    }
  }
}
