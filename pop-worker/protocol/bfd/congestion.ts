import type { TimeUs } from '../contract.ts';

/** Intervals grow to at most so many times what was configured. */
export const MOST_STRETCH = 8;
/** Up for so long, intervals are halved again. */
export const CALM_US = 60_000_000;

/**
 * Congestion control of a multi-hop session (RFC 5880 §7): each failure because nothing was heard doubles the intervals,
 * both ways; each minute Up halves them.
 */
export class Congestion {
  stretch = 1;
  readonly #calmAt = Float64Array.of(Number.POSITIVE_INFINITY);

  onUp(now: TimeUs): void {
    this.#calmAt[0] = now + CALM_US;
  }

  onExpired(): void {
    this.#calmAt[0] = Number.POSITIVE_INFINITY;
    this.stretch = Math.min(this.stretch * 2, MOST_STRETCH);
  }

  /** @returns whether the stretch became less */
  relax(now: TimeUs): boolean {
    if (this.stretch === 1 || now < (this.#calmAt[0] as number)) return false;
    this.stretch /= 2;
    this.#calmAt[0] = now + CALM_US;
    return true;
  }
}
