/** Different numbers in ascending order, and the place of each. */
export class SortedNumbers {
  readonly #numbers: number[] = [];

  get size(): number {
    return this.#numbers.length;
  }

  /** The one at a place; undefined: there are fewer. */
  at(place: number): number | undefined {
    return this.#numbers[place];
  }

  /** Where a number is, or would be. */
  placeOf(number: number): number {
    let [from, to] = [0, this.#numbers.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#numbers[middle] as number) < number) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** Puts in a number that is not there. @returns its place */
  add(number: number): number {
    const place = this.placeOf(number);
    this.#numbers.splice(place, 0, number);
    return place;
  }

  /** Takes out a number that is there. @returns what its place was */
  delete(number: number): number {
    const place = this.placeOf(number);
    this.#numbers.splice(place, 1);
    return place;
  }
}
