import type { TimeUs } from '../contract.ts';
import { NEVER } from '../contract.ts';

/**
 * What a failed check does to the announcement: `withdraw` it; withdraw it `unless-last`, that is unless no other worker is
 * known to announce the prefix; or `show` only (a worker that merely hears nobody goes on).
 */
export type CheckEffect = 'withdraw' | 'unless-last' | 'show';

/** One thing that has to hold for a worker to be announced. */
export interface CheckRules {
  readonly name: string;
  readonly effect: CheckEffect;
  /** Failures in a row after which it has failed; 1 or more. */
  readonly failures: number;
  /** How long it has to hold without a failure before it counts again after it had failed. */
  readonly stableUs: number;
}

export type CheckState = 'unknown' | 'holds' | 'failed';

/** A check with hysteresis: it fails after some failures in a row, and holds again only after a time without one. */
export class Check {
  readonly rules: CheckRules;
  #state: CheckState = 'unknown';
  #failures = 0;
  #holdsSince: TimeUs = NEVER;
  #reason = '';

  constructor(rules: CheckRules) {
    this.rules = rules;
  }

  get state(): CheckState {
    return this.#state;
  }

  /** What the last failure said; empty while it holds. */
  get reason(): string {
    return this.#reason;
  }

  /** When it will hold again if nothing fails before. */
  get deadline(): TimeUs {
    return this.#state === 'failed' ? this.#holdsSince + this.rules.stableUs : NEVER;
  }

  /** @param reason of a failure, in words; undefined: it held */
  report(reason: string | undefined, now: TimeUs): void {
    if (reason === undefined) {
      this.#failures = 0;
      if (this.#state === 'unknown') this.#become('holds', '');
      if (this.#holdsSince === NEVER) this.#holdsSince = now;
      this.elapse(now);
      return;
    }
    this.#holdsSince = NEVER;
    this.#failures++;
    if (this.#failures >= this.rules.failures) this.#become('failed', reason);
  }

  /** Time went on: what held for long enough counts again. */
  elapse(now: TimeUs): void {
    if (this.#state === 'failed' && now >= this.deadline) this.#become('holds', '');
  }

  #become(state: CheckState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
  }
}
