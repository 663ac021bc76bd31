import type { Wrong } from './fault.ts';

/** What all policies that are read together may hold at most: reading them takes time and memory in proportion. */
export interface PolicyLimits {
  /** Prefixes that rules name; those of a list count for each rule that names it. */
  readonly prefixes: number;
  /** Of path patterns: which AS may follow which, and the AS numbers of lists that they name. */
  readonly pathSteps: number;
}

/** For files of this machine's own operator. */
export const NO_LIMITS: PolicyLimits = { prefixes: Number.POSITIVE_INFINITY, pathSteps: Number.POSITIVE_INFINITY };

const WORDS = { prefixes: 'prefixes', pathSteps: 'steps of path patterns' } as const;

/** What is left of limits while policies are read. */
export class Budget {
  readonly #limits: PolicyLimits;
  readonly #spent = { prefixes: 0, pathSteps: 0 };

  constructor(limits: PolicyLimits) {
    this.#limits = limits;
  }

  /** @param wrong is told of the first that is too much @returns whether it may be had */
  takes(kind: keyof PolicyLimits, count: number, wrong: Wrong): boolean {
    const limit = this.#limits[kind];
    const before = this.#spent[kind];
    this.#spent[kind] += count;
    if (this.#spent[kind] <= limit) return true;
    if (before <= limit) wrong(`is where all policies together have more than ${limit} ${WORDS[kind]}: name fewer`);
    return false;
  }
}
