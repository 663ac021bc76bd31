import type { TimeUs } from '#protocol/contract.ts';
import { FlapGuard } from '#protocol/flap-guard.ts';

/** Seconds of silence after which a device is asked for a handshake, which any WireGuard answers. */
const HANDSHAKE_AFTER = 3;
/** …and after which it is given up. */
const LOST_AFTER = 5;
/** While nothing comes it is asked again so often; the core repeats each handshake for 90 s by itself. */
const HANDSHAKE_EVERY = 90;
/** Answers of the site that may be missing one after the other. */
const MOST_MISSING = 3;
/** Good seconds after which what was given up is taken again. */
const GOOD_AFTER = 3;

/**
 * Whether a site is reached by a device: it is, it is not, or it is and has come and gone too often to be more than the last
 * choice.
 */
export type SiteState = 'reached' | 'lost' | 'held';

/** What of a device was seen in a second. */
export interface Second {
  /** Something authentic came from it. */
  readonly isHeard: boolean;
  /** The address inside its site answered. */
  readonly isAnswered: boolean;
}

/** What is to be done now. */
export interface SiteOrder {
  /** An echo request to the device itself, since nothing came from it. */
  readonly asks: boolean;
  readonly handshake: boolean;
}

/**
 * Judges second by second by what came from a device. A turn that comes late counts as one second: a worker that was stopped
 * blames nobody for it.
 */
export class SiteHealth {
  readonly #hasProbe: boolean;
  readonly #guard: FlapGuard;
  #silent = 0;
  #missing: number;
  #good = 0;
  /** The first answer of the site is still waited for. */
  #isNew: boolean;
  state: SiteState;

  /** @param hasProbe whether an address inside the site is asked: until it answers, the site is lost */
  constructor(hasProbe: boolean, now: TimeUs, guard = new FlapGuard()) {
    this.#hasProbe = hasProbe;
    this.#guard = guard;
    this.#isNew = hasProbe;
    this.#missing = hasProbe ? MOST_MISSING + 1 : 0;
    this.state = hasProbe ? 'lost' : this.#reached(now);
  }

  /** A second has passed. */
  second({ isHeard, isAnswered }: Second, now: TimeUs): SiteOrder {
    this.#silent = isHeard ? 0 : this.#silent + 1;
    if (this.#hasProbe) this.#missing = isAnswered ? 0 : this.#missing + 1;
    if (this.#silent >= LOST_AFTER || this.#missing > MOST_MISSING) this.#lose(now);
    else {
      this.#good++;
      const isBack = this.state !== 'lost' || this.#isNew || this.#good >= GOOD_AFTER;
      if (isBack) this.state = this.#reached(now);
    }
    const handshake = this.#silent % HANDSHAKE_EVERY === HANDSHAKE_AFTER;
    return { asks: this.#silent > 0, handshake };
  }

  /** The address inside the site answered: a site that was never reached is so at once. */
  answered(now: TimeUs): void {
    this.#missing = 0;
    if (this.#isNew) this.state = this.#reached(now);
    this.#isNew = false;
  }

  #lose(now: TimeUs): void {
    this.#good = 0;
    if (this.state !== 'lost') this.#guard.ended(now);
    this.state = 'lost';
  }

  #reached(now: TimeUs): SiteState {
    return this.#guard.isHeld(now) ? 'held' : 'reached';
  }
}
