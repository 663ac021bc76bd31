/** A set of integers as sorted, disjoint, inclusive ranges. */
export class RangeSet {
  /** @param maxRanges what it holds at most; beyond that the lowest range is dropped and counted */
  constructor(_maxRanges: number) {
    throw new Error('not yet');
  }
  /** Ranges held. */
  get count(): number {
    throw new Error('not yet');
  }
  /** Lower end of range i; range 0 is the highest. */
  low(_i: number): number {
    throw new Error('not yet');
  }
  high(_i: number): number {
    throw new Error('not yet');
  }
  /** @returns whether n was not there */
  add(_n: number): boolean {
    throw new Error('not yet');
  }
  /** Both ends belong to it. @returns whether any of it was not there */
  addRange(_low: number, _high: number): boolean {
    throw new Error('not yet');
  }
  contains(_n: number): boolean {
    throw new Error('not yet');
  }
  /** Forgets everything below n. */
  removeBelow(_n: number): void {
    throw new Error('not yet');
  }
}
