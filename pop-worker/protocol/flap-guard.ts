import { NEVER, type TimeUs } from './contract.ts';

export interface FlapRules {
  /** So many ends within `windowUs` are flapping. */
  readonly flaps: number;
  readonly windowUs: number;
  /** How long what flaps is held back; doubled each time it goes on, up to the most, until it was quiet for that long. */
  readonly holdUs: number;
  readonly maxHoldUs: number;
  /** What ends so soon after it was let go is still flapping, however few its ends are in a window; 0: it is not. */
  readonly relapseUs: number;
}

const SECOND = 1_000_000;

/** Of what we announce: three in a minute are held back for 30 s, then for twice that, up to ten minutes. */
export const FLAP_RULES: FlapRules = {
  flaps: 3,
  windowUs: 60 * SECOND,
  holdUs: 30 * SECOND,
  maxHoldUs: 600 * SECOND,
  relapseUs: 60 * SECOND,
};

/**
 * Of a neighbour's sessions (DampPeerOscillations, RFC 4271 §8.1): three in a minute are held back for a minute. A session
 * that is lost once afterwards costs nobody much.
 */
export const SESSION_FLAP_RULES: FlapRules = { ...FLAP_RULES, holdUs: 60 * SECOND, relapseUs: 0 };

/**
 * Holds back what comes and goes: each change of a route costs every router that hears of it, and a flow each time
 * (what RFC 2439 damps at the receiver, at its source).
 */
export class FlapGuard {
  readonly #rules: FlapRules;
  readonly #ends: TimeUs[] = [];
  #nextHoldUs: number;
  #heldUntil: TimeUs = Number.NEGATIVE_INFINITY;
  /** How often something was held back. */
  held = 0;

  constructor(rules: FlapRules = FLAP_RULES) {
    this.#rules = rules;
    this.#nextHoldUs = rules.holdUs;
  }

  /** It went down. @returns until when it is held back; `now` when it is not */
  ended(now: TimeUs): TimeUs {
    const { flaps, windowUs, maxHoldUs, holdUs, relapseUs } = this.#rules;
    const sinceHeld = now - this.#heldUntil;
    if (sinceHeld > maxHoldUs) this.#nextHoldUs = holdUs;
    this.#ends.push(now);
    if (this.#ends.length > flaps) this.#ends.shift();
    const isMany = this.#ends.length === flaps && now - (this.#ends[0] as number) <= windowUs;
    if (!isMany && (relapseUs === 0 || sinceHeld > relapseUs)) return now;
    this.#ends.length = 0;
    this.#heldUntil = now + this.#nextHoldUs;
    this.#nextHoldUs = Math.min(2 * this.#nextHoldUs, maxHoldUs);
    this.held++;
    return this.#heldUntil;
  }

  isHeld(now: TimeUs): boolean {
    return now < this.#heldUntil;
  }

  /** When it is let go, NEVER when it is not held. */
  deadline(now: TimeUs): TimeUs {
    return this.isHeld(now) ? this.#heldUntil : NEVER;
  }

  /** An operator says that it is mended. */
  clear(): void {
    this.#ends.length = 0;
    this.#nextHoldUs = this.#rules.holdUs;
    this.#heldUntil = Number.NEGATIVE_INFINITY;
  }
}
