const NOTHING = new Float64Array(0);
const FIRST_RANGES = 4;

/**
 * A set of integers as sorted, disjoint, inclusive ranges. Read from the highest range (0) down, as ACK frames are
 * written; kept in ascending order, so that what comes in order only touches the end. No memory until the first entry.
 */
export class RangeSet {
  /** Ranges forgotten because there were too many. */
  dropped = 0;
  /** Everything below was forgotten, be it by `removeBelow` or for want of room. */
  floor = 0;

  /** Pairs low, high in ascending order, from pair #first on. */
  #ends: Float64Array<ArrayBufferLike> = NOTHING;
  #first = 0;
  #count = 0;
  readonly #maxRanges: number;

  /** @param maxRanges what it holds at most; beyond that the lowest range is dropped and counted */
  constructor(maxRanges: number) {
    this.#maxRanges = maxRanges;
  }

  /** Ranges held. */
  get count(): number {
    return this.#count;
  }

  /** Lower end of range i; range 0 is the highest. */
  low(i: number): number {
    return this.#ends[2 * (this.#first + this.#count - 1 - i)] as number;
  }

  high(i: number): number {
    return this.#ends[2 * (this.#first + this.#count - 1 - i) + 1] as number;
  }

  /** @returns whether n was not there */
  add(n: number): boolean {
    return this.addRange(n, n);
  }

  /** Both ends belong to it. @returns whether any of it was not there */
  addRange(low: number, high: number): boolean {
    if (this.#count > 0) {
      const top = 2 * (this.#first + this.#count - 1) + 1;
      const highest = this.#ends[top] as number;
      if (low === highest + 1) {
        this.#ends[top] = high;
        return true;
      }
      if (low <= highest) return this.#merge(low, high);
    }
    this.#insert(this.#count, low, high);
    return true;
  }

  contains(n: number): boolean {
    const i = this.#reaching(n);
    return i < this.#count && this.#lowAt(i) <= n;
  }

  /** The end of the range that has n, -1 when none has. */
  coveredUntil(n: number): number {
    const i = this.#reaching(n);
    return i < this.#count && this.#lowAt(i) <= n ? this.#highAt(i) : -1;
  }

  /** The start of the first range that ends at n or above, infinite when there is none. */
  nextLow(n: number): number {
    const i = this.#reaching(n);
    return i < this.#count ? this.#lowAt(i) : Number.POSITIVE_INFINITY;
  }

  /** Takes out [low, high], which may split a range. */
  removeRange(low: number, high: number): void {
    const i = this.#reaching(low);
    if (i === this.#count || this.#lowAt(i) > high) return;
    const firstLow = this.#lowAt(i);
    let last = i;
    while (last + 1 < this.#count && this.#lowAt(last + 1) <= high) last++;
    const lastHigh = this.#highAt(last);
    const keepsLower = firstLow < low;
    const keepsUpper = lastHigh > high;
    if (keepsLower && keepsUpper && i === last) {
      this.#set(i, firstLow, low - 1);
      this.#insert(i + 1, high + 1, lastHigh);
      return;
    }
    if (keepsLower) this.#set(i, firstLow, low - 1);
    if (keepsUpper) this.#set(last, high + 1, lastHigh);
    this.#delete(keepsLower ? i + 1 : i, keepsUpper ? last : last + 1);
  }

  /** Forgets everything below n. */
  removeBelow(n: number): void {
    if (n > this.floor) this.floor = n;
    const i = this.#reaching(n);
    this.#first += i;
    this.#count -= i;
    if (this.#count === 0) this.#first = 0;
    else if (this.#lowAt(0) < n) this.#set(0, n, this.#highAt(0));
  }

  clear(): void {
    this.floor = 0;
    this.#first = 0;
    this.#count = 0;
  }

  #lowAt(i: number): number {
    return this.#ends[2 * (this.#first + i)] as number;
  }

  #highAt(i: number): number {
    return this.#ends[2 * (this.#first + i) + 1] as number;
  }

  #set(i: number, low: number, high: number): void {
    this.#ends[2 * (this.#first + i)] = low;
    this.#ends[2 * (this.#first + i) + 1] = high;
  }

  /** The lowest range whose high end is n or more, in ascending numbering. */
  #reaching(n: number): number {
    let from = 0;
    let to = this.#count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#highAt(middle) >= n) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  /** The range touches or precedes the highest one: joins it with its neighbours. */
  #merge(low: number, high: number): boolean {
    const i = this.#reaching(low - 1);
    if (i === this.#count || this.#lowAt(i) > high + 1) {
      this.#insert(i, low, high);
      return true;
    }
    if (this.#lowAt(i) <= low && this.#highAt(i) >= high) return false;
    let last = i;
    while (last + 1 < this.#count && this.#lowAt(last + 1) <= high + 1) last++;
    this.#set(i, Math.min(low, this.#lowAt(i)), Math.max(high, this.#highAt(last)));
    this.#delete(i + 1, last + 1);
    return true;
  }

  #insert(at: number, low: number, high: number): void {
    let i = at;
    if (this.#count >= this.#maxRanges) {
      this.dropped++;
      if (i === 0) {
        this.floor = Math.max(this.floor, high + 1);
        return;
      }
      this.floor = Math.max(this.floor, this.#highAt(0) + 1);
      this.#first++;
      this.#count--;
      i--;
    }
    if (2 * (this.#first + this.#count + 1) > this.#ends.length) this.#makeRoom();
    const from = 2 * (this.#first + i);
    if (i < this.#count) this.#ends.copyWithin(from + 2, from, 2 * (this.#first + this.#count));
    this.#count++;
    this.#set(i, low, high);
  }

  #delete(from: number, to: number): void {
    if (from >= to) return;
    this.#ends.copyWithin(2 * (this.#first + from), 2 * (this.#first + to), 2 * (this.#first + this.#count));
    this.#count -= to - from;
  }

  /** Moves to the front, or to twice the memory when more than half is in use. */
  #makeRoom(): void {
    if (4 * this.#count <= this.#ends.length && this.#first > 0) {
      this.#ends.copyWithin(0, 2 * this.#first, 2 * (this.#first + this.#count));
    } else {
      const larger = new Float64Array(Math.max(2 * FIRST_RANGES, 2 * this.#ends.length));
      larger.set(this.#ends.subarray(2 * this.#first, 2 * (this.#first + this.#count)));
      this.#ends = larger;
    }
    this.#first = 0;
  }
}
