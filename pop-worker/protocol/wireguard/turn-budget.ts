import type { TimeBudget } from './options.ts';

/** Where nobody counts the time. */
const ENDLESS: TimeBudget = {
  refill: () => {},
  start: () => {},
  spend: () => {},
  isLeft: true,
  isPlenty: true,
  untilLeftUs: 0,
};

/** A budget that is refilled in turns that ask for it, once in each. */
export class TurnBudget {
  readonly #budget: TimeBudget;
  #isRefilled = false;

  constructor(budget: TimeBudget = ENDLESS) {
    this.#budget = budget;
  }

  /** A turn begins. */
  begin(): void {
    this.#isRefilled = false;
  }

  get isLeft(): boolean {
    return this.#refilled.isLeft;
  }

  get isPlenty(): boolean {
    return this.#refilled.isPlenty;
  }

  get #refilled(): TimeBudget {
    if (!this.#isRefilled) this.#budget.refill();
    this.#isRefilled = true;
    return this.#budget;
  }

  get untilLeftUs(): number {
    return this.#budget.untilLeftUs;
  }

  /** What follows until `spend` is taken from it. */
  start(): void {
    this.#budget.start();
  }

  spend(times = 1): void {
    this.#budget.spend(times);
  }
}
