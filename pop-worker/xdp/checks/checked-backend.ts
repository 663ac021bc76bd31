import { isDeepStrictEqual } from 'node:util';
import type { Health } from '../balance/wanted.ts';
import { BackendHealth } from './backend-health.ts';
import type { CheckResult, CheckTarget } from './wanted.ts';

/** Of an interval: how much sooner or later a check may come, so that checks do not gather. */
const JITTER = 0.1;

/** A backend with its place in time. */
export class CheckedBackend {
  readonly health: BackendHealth;
  /** What the balancer knows. */
  told: Health;
  last: CheckResult | undefined;
  /** The check that is on its way. */
  running: number | undefined;
  dueMs: number;
  #target: CheckTarget;
  readonly #random: () => number;

  /** @param random from 0, below 1 @param health that it was left with */
  constructor(target: CheckTarget, random: () => number, nowMs: number, health: Health) {
    this.told = health;
    this.#target = target;
    this.#random = random;
    this.health = new BackendHealth(target.check, nowMs, health === 'down');
    this.dueMs = this.#first(nowMs);
  }

  get target(): CheckTarget {
    return this.#target;
  }

  get isDraining(): boolean {
    return this.#target.isDraining;
  }

  /** Anywhere in an interval: those that are new together are not checked together. */
  #first(nowMs: number): number {
    return nowMs + this.#random() * this.#target.check.intervalMs;
  }

  /** What is wanted of it now. Another check begins anew, with what the one before has found; the same one goes on. */
  change(target: CheckTarget, nowMs: number): void {
    const isSame = isDeepStrictEqual(target.check, this.#target.check);
    this.#target = target;
    if (isSame) return;
    this.health.change(target.check);
    this.running = undefined;
    this.dueMs = this.#first(nowMs);
  }

  start(id: number, nowMs: number): void {
    this.running = id;
    this.dueMs = nowMs + this.#target.check.intervalMs * (1 + JITTER * (2 * this.#random() - 1));
  }
}
