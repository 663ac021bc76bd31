/** So often in a row a way has to fail before it is left out. */
const FAILURES = 2;
/** So long one that had failed has to lead somewhere again. */
const STABLE_US = 2_000_000;

interface Way {
  failures: number;
  isOut: boolean;
  /** Since when it leads somewhere again. */
  goodUs: number | undefined;
}

/** Which ways out lead nowhere, so that flows are better sent by the others. */
export class UplinkWays {
  readonly #ways = new Map<string, Way>();

  /** By their names. */
  get failed(): ReadonlySet<string> {
    return new Set([...this.#ways].flatMap(([name, { isOut }]) => (isOut ? [name] : [])));
  }

  /**
   * What was found just now of all that there are; others are forgotten.
   *
   * @param fault by name; undefined: it leads somewhere
   * @returns whether `failed` has become another
   */
  note(faults: ReadonlyMap<string, string | undefined>, nowUs: number): boolean {
    const before = this.failed;
    for (const name of this.#ways.keys()) if (!faults.has(name)) this.#ways.delete(name);
    for (const [name, fault] of faults) {
      const way = this.#ways.get(name) ?? { failures: 0, isOut: false, goodUs: undefined };
      this.#ways.set(name, way);
      if (fault === undefined) {
        way.failures = 0;
        way.goodUs ??= nowUs;
        if (nowUs - way.goodUs >= STABLE_US) way.isOut = false;
      } else {
        way.failures++;
        way.goodUs = undefined;
        if (way.failures >= FAILURES) way.isOut = true;
      }
    }
    const { failed } = this;
    return failed.size !== before.size || [...failed].some((name) => !before.has(name));
  }
}
