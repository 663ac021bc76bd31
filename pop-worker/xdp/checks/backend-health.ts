/** `held`: its checks pass, but it was up and down too often. */
export type HealthState = 'unknown' | 'up' | 'down' | 'held';

/** Route flap damping's way (RFC 2439 §4.2) with times of backends: each fall costs, and what it cost halves with time. */
export const DAMPENING = {
  fallCost: 1000,
  /** From here on a backend is held, */
  holdFrom: 2000,
  /** and until it is below this again. */
  reuseBelow: 750,
  /** More is not kept: nobody is held for longer than three half-lives after the last fall. */
  most: 6000,
  halfLifeMs: 60_000,
} as const;

export interface HealthRules {
  readonly rise: number;
  readonly fall: number;
}

/** What checks say of one backend. Times are milliseconds of any clock that only goes on. */
export class BackendHealth {
  #rules: HealthRules;
  #isWell: boolean | undefined;
  /** Checks in a row that say otherwise. */
  #against = 0;
  #penalty = 0;
  #penaltyAtMs: number;
  #isHeld = false;
  #state: HealthState = 'unknown';
  #sinceMs: number;

  /** @param isDown somebody before has found it so */
  constructor(rules: HealthRules, nowMs: number, isDown = false) {
    this.#rules = rules;
    if (isDown) {
      this.#isWell = false;
      this.#state = 'down';
    }
    this.#penaltyAtMs = nowMs;
    this.#sinceMs = nowMs;
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Since when it is in this state. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  penalty(nowMs: number): number {
    return this.#penalty * 2 ** ((this.#penaltyAtMs - nowMs) / DAMPENING.halfLifeMs);
  }

  /** Other rules from now on: what was found stays, what was on its way begins anew. */
  change(rules: HealthRules): void {
    this.#rules = rules;
    this.#against = 0;
  }

  /** A check came to its end. @returns whether the state is another one */
  seen(hasPassed: boolean, nowMs: number): boolean {
    if (hasPassed === this.#isWell) this.#against = 0;
    else this.#against++;
    if (this.#against >= this.#needed(hasPassed)) this.#turn(hasPassed, nowMs);
    return this.settle(nowMs);
  }

  #needed(hasPassed: boolean): number {
    if (!hasPassed) return this.#rules.fall;
    // Who is not known yet is up with the first check that passes: it is in use anyway.
    return this.#isWell === undefined ? 1 : this.#rules.rise;
  }

  #turn(isWell: boolean, nowMs: number): void {
    if (this.#isWell === true) {
      this.#penalty = Math.min(DAMPENING.most, this.penalty(nowMs) + DAMPENING.fallCost);
      this.#penaltyAtMs = nowMs;
      this.#isHeld ||= this.#penalty >= DAMPENING.holdFrom;
    }
    this.#isWell = isWell;
    this.#against = 0;
  }

  /** Time has passed. @returns whether the state is another one */
  settle(nowMs: number): boolean {
    if (this.#isHeld && this.penalty(nowMs) < DAMPENING.reuseBelow) this.#isHeld = false;
    const state = this.#judged();
    if (state === this.#state) return false;
    this.#state = state;
    this.#sinceMs = nowMs;
    return true;
  }

  #judged(): HealthState {
    if (this.#isWell === undefined) return 'unknown';
    if (!this.#isWell) return 'down';
    return this.#isHeld ? 'held' : 'up';
  }
}
