import { type IpRange, prefixRange, prefixText } from '#model/ip-range.ts';
import type { Front } from '../front.ts';
import { ListAction } from '../gen/front.ts';
import { type Action, ListsV4 } from './lists-v4.ts';
import { ListsV6 } from './lists-v6.ts';

interface Listed {
  readonly range: IpRange;
  readonly action: Action;
}

/** Bits of a prefix. */
const bitsOf = ({ bits, first, last }: IpRange): number => bits - (last - first + 1n).toString(2).length + 1;

const bytesOf = ({ first }: IpRange): Uint8Array => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, first >> 64n);
  view.setBigUint64(8, first & 0xffffffffffffffffn);
  return bytes;
};

/** Allowed and denied sources of both families; a change costs what it changes. */
export class SourceLists {
  readonly #v4: ListsV4;
  readonly #v6: ListsV6;
  #listed = new Map<string, Listed>();

  constructor(front: Pick<Front, 'map'>) {
    this.#v4 = new ListsV4({
      cells: front.map('listCells'),
      addresses: front.map('listedAddresses'),
      prefixes: front.map('listedV4'),
    });
    this.#v6 = new ListsV6({ blocks: front.map('listBlocks'), prefixes: front.map('listedV6') });
  }

  /** By their prefixes; of one that is in two lists the later one holds. */
  static of(lists: readonly { readonly action: 'allow' | 'deny'; readonly prefixes: readonly string[] }[]) {
    const all = new Map<string, Listed>();
    for (const { action, prefixes } of lists) {
      for (const prefix of prefixes) {
        const range = prefixRange(prefix);
        all.set(prefixText(range), { range, action: ListAction[action] });
      }
    }
    return all;
  }

  get count(): number {
    return this.#v4.count + this.#v6.count;
  }

  /** Others from now on: those that are new are there before any goes. */
  setAll(listed: Map<string, Listed>): void {
    for (const [prefix, { range, action }] of listed)
      if (this.#listed.get(prefix)?.action !== action) this.#set(range, action);
    for (const [prefix, { range }] of this.#listed) if (!listed.has(prefix)) this.#delete(range);
    this.#listed = listed;
  }

  #set(range: IpRange, action: Action): void {
    if (range.bits === 32) this.#v4.set(Number(range.first), bitsOf(range), action);
    else this.#v6.set(bytesOf(range), bitsOf(range), action);
  }

  #delete(range: IpRange): void {
    if (range.bits === 32) this.#v4.delete(Number(range.first), bitsOf(range));
    else this.#v6.delete(bytesOf(range), bitsOf(range));
  }
}
