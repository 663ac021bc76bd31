import { parsePrefix } from '#protocol/ip/text.ts';
import type { HashKey } from '../../keyed-hash.ts';
import { maskOf, PrefixTable } from '../rib/prefix-table.ts';

/** Prefixes inside of one, by their length. */
export interface PrefixRange {
  readonly bits: 32 | 128;
  /** Four words; the first is all of an IPv4 address. */
  readonly address: Uint32Array;
  readonly length: number;
  readonly least: number;
  readonly most: number;
}

const RANGE = /^(\S+)(?: ge (\d{1,3}))?(?: le (\d{1,3}))?$/;

/** @returns what `192.0.2.0/24 ge 25 le 32` means; or, as text, what is wrong with it */
export const parsePrefixRange = (text: string): PrefixRange | string => {
  const [, prefix = '', ge, le] = RANGE.exec(text) ?? [];
  const parsed = prefix.includes('/') ? parsePrefix(prefix) : undefined;
  if (parsed === undefined)
    return `"${text}" is no prefix; write it as 192.0.2.0/24, with ge and le behind it if need be`;
  const bits = parsed.address.length === 4 ? 32 : 128;
  const least = ge === undefined ? parsed.length : Number(ge);
  const most = le !== undefined ? Number(le) : ge === undefined ? parsed.length : bits;
  if (least < parsed.length || most > bits || least > most)
    return `"${text}" is in the wrong order: ge and le go from ${parsed.length} to ${bits}, ge first`;
  return { bits, address: wordsOf(parsed.address), length: parsed.length, least, most };
};

/** @param bytes 4 or 16 @returns four words */
export const wordsOf = (bytes: Uint8Array): Uint32Array => {
  const words = new Uint32Array(4);
  for (const [i, byte] of bytes.entries()) words[i >>> 2] = ((words[i >>> 2] as number) << 8) | byte;
  return words;
};

/** Prefixes of a list are the operator's, so their places need not be secret. */
const KEY: HashKey = { k0: 0x9e37_79b9, k1: 0x85eb_ca6b };
/** Of a set of lengths from 0 to 128. */
const LENGTH_WORDS = 5;

/** A list of prefixes of one address size, asked with at most as many look-ups as it has different lengths. */
class SizedList {
  readonly #table: PrefixTable;
  /** Lengths of its entries, shortest first. */
  #lengths: number[] = [];
  /** By id of an entry: the set of lengths that it is about. */
  #allowed = new Uint32Array(0);
  readonly #probe = new Uint32Array(4);

  constructor(bits: 32 | 128) {
    this.#table = new PrefixTable(bits, KEY);
  }

  add({ address, length, least, most }: PrefixRange): void {
    const id = this.#table.intern(address, length);
    if (this.#allowed.length < this.#table.capacity * LENGTH_WORDS) {
      const allowed = new Uint32Array(this.#table.capacity * LENGTH_WORDS);
      allowed.set(this.#allowed);
      this.#allowed = allowed;
    }
    for (let allowed = least; allowed <= most; allowed++) {
      const word = id * LENGTH_WORDS + (allowed >>> 5);
      this.#allowed[word] = (this.#allowed[word] as number) | (1 << (allowed & 31));
    }
    if (!this.#lengths.includes(length)) this.#lengths = [...this.#lengths, length].sort((a, b) => a - b);
  }

  has(address: Uint32Array, length: number): boolean {
    const lengths = this.#lengths;
    const probe = this.#probe;
    for (let n = 0; n < lengths.length; n++) {
      const entry = lengths[n] as number;
      if (entry > length) return false;
      for (let i = 0; i < 4; i++) probe[i] = (address[i] as number) & maskOf(entry - 32 * i);
      const id = this.#table.find(probe, entry);
      if (id < 0) continue;
      if (((this.#allowed[id * LENGTH_WORDS + (length >>> 5)] as number) & (1 << (length & 31))) !== 0) return true;
    }
    return false;
  }
}

/** Prefixes of both families. */
export class PrefixList {
  readonly #ipv4 = new SizedList(32);
  readonly #ipv6 = new SizedList(128);

  constructor(ranges: readonly PrefixRange[]) {
    for (const range of ranges) (range.bits === 32 ? this.#ipv4 : this.#ipv6).add(range);
  }

  /** @param address four words, of which bits past the length are zero */
  has(bits: 32 | 128, address: Uint32Array, length: number): boolean {
    return (bits === 32 ? this.#ipv4 : this.#ipv6).has(address, length);
  }
}
