import type { Announcement } from '#protocol/anycast/announcer.ts';

/** Outside addresses of devices: what this worker announces of them, and those of all, which others announce too. */
export interface OutsidePrefixes {
  readonly own: readonly string[];
  readonly fleet: readonly string[];
}

/** Which prefixes a worker announces: all of its own, or only those that no other worker does. */
export class AnnouncedPrefixes {
  readonly #outside: OutsidePrefixes;
  #own: readonly string[] = [];
  /** Of its prefixes, which others announce too; undefined: nobody is heard. */
  #shared: ReadonlySet<string> | undefined;
  #only: ReadonlySet<string> | undefined;

  constructor(outside: OutsidePrefixes) {
    this.#outside = outside;
  }

  /** Its prefixes, as desired state has them. */
  set(own: readonly string[]): void {
    this.#own = own;
  }

  get own(): readonly string[] {
    return this.#own;
  }

  /** What others may announce as well. */
  get all(): readonly string[] {
    return [...this.#own, ...this.#outside.fleet];
  }

  /** Which of those other workers announce too; undefined: nobody is heard. */
  others(shared: ReadonlySet<string> | undefined): void {
    this.#shared = shared;
  }

  /** Whether another worker is heard. */
  get isHeard(): boolean {
    return this.#shared !== undefined;
  }

  /** Those that nobody else is known to announce. */
  get unshared(): readonly string[] {
    return this.all.filter((prefix) => this.#shared?.has(prefix) !== true);
  }

  /** Whether nobody else is known to announce one of them. */
  get isAlone(): boolean {
    return this.#shared === undefined || this.#alone().size > 0;
  }

  /** What is announced where that is not all of them, as was chosen last. */
  get only(): ReadonlySet<string> | undefined {
    return this.#only;
  }

  /** @returns what is to be announced where that is not all of them */
  choose({ onlyAlone, isLeaving }: Announcement): ReadonlySet<string> | undefined {
    const alone = onlyAlone === true ? this.#alone() : undefined;
    // A drain announces nothing that was left to others.
    const was = isLeaving ? this.#only : undefined;
    this.#only = alone && was ? new Set([...alone].filter((prefix) => was.has(prefix))) : alone;
    return this.#only;
  }

  /** Those that nobody else is known to announce; where that is so of outside addresses, a worker's own come along. */
  #alone(): Set<string> {
    const { own, fleet } = this.#outside;
    const alone = new Set(this.unshared);
    if (fleet.some((prefix) => alone.has(prefix))) for (const prefix of own) alone.add(prefix);
    return alone;
  }
}
