/** Both ends are in it. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
}

const RANGE = /^(0|[1-9][0-9]{0,9})(?:-(0|[1-9][0-9]{0,9}))?$/;

/** @returns what `7`, `7-9` or `*` means; undefined when it is none of them, backwards, or above `most` */
export const parseNumberRange = (text: string, most: number): NumberRange | undefined => {
  if (text === '*') return { least: 0, most };
  const [, first, last] = RANGE.exec(text) ?? [];
  if (first === undefined) return undefined;
  const range = { least: Number(first), most: Number(last ?? first) };
  return range.least <= range.most && range.most <= most ? range : undefined;
};

/** Numbers that are in any of some ranges, found by halves. */
export class NumberSet {
  readonly #least: Uint32Array;
  readonly #most: Uint32Array;

  constructor(ranges: readonly NumberRange[]) {
    const merged: { least: number; most: number }[] = [];
    for (const range of [...ranges].sort((a, b) => a.least - b.least)) {
      const last = merged.at(-1);
      if (last !== undefined && range.least <= last.most + 1) last.most = Math.max(last.most, range.most);
      else merged.push({ ...range });
    }
    this.#least = Uint32Array.from(merged, ({ least }) => least);
    this.#most = Uint32Array.from(merged, ({ most }) => most);
  }

  has(value: number): boolean {
    let low = 0;
    let high = this.#least.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#most[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low < this.#least.length && (this.#least[low] as number) <= value;
  }
}
