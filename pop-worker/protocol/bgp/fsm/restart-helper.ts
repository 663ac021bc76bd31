import { NEVER, type TimeUs } from '../../contract.ts';
import { CeaseSubcode, ErrorCode } from '../errors.ts';
import type { Routes } from '../routes.ts';
import type { Ending } from './ending.ts';
import type { Negotiated } from './negotiate.ts';

/** The stale timer: an upper bound once the session is there again (RFC 8538 §4.1). */
const STALE_US = 180e6;

interface Kept {
  /** When it ends: the routes go, or turn long-lived. */
  at: TimeUs;
  /** What follows: the Long-Lived Stale Time; 0: nothing. */
  longLivedUs: TimeUs;
  isLongLived: boolean;
}

/**
 * Keeps the routes of a neighbour whose session was lost until it is back (RFC 4724 §4.2, RFC 8538 §4), and as a last
 * resort for longer (RFC 9494 §4). Nothing is ever kept for a session on which graceful restart was not negotiated.
 */
export class RestartHelper {
  readonly #index: number;
  readonly #routes: Routes;
  readonly #kept = new Map<number, Kept>();
  /** Nothing of what was kept when the session was lost had to go so far. */
  #isWhole = false;

  constructor(index: number, routes: Routes) {
    this.#index = index;
    this.#routes = routes;
  }

  /** A session has ended. @returns families whose routes are kept */
  ended(ending: Ending, now: TimeUs): number[] {
    const { negotiated } = ending;
    const restart = negotiated?.gracefulRestart;
    if (negotiated === undefined || restart === undefined || !keepsRoutes(ending, negotiated)) {
      this.#kept.clear();
      return [];
    }
    const families = restart.families.map(({ family }) => family).filter((one) => negotiated.families.includes(one));
    this.#kept.clear();
    this.#isWhole = true;
    for (const family of families) {
      const staleTimeS = negotiated.longLived.find((one) => one.family === family)?.staleTimeS ?? 0;
      const at = now + restart.restartTimeS * 1e6;
      this.#kept.set(family, { at, longLivedUs: staleTimeS * 1e6, isLongLived: false });
    }
    return families;
  }

  /** The session is there again: what the neighbour has not kept goes at once, the rest when it has told all. */
  up({ families, gracefulRestart, longLived }: Negotiated, now: TimeUs): void {
    for (const [family, kept] of this.#kept) {
      const told = kept.isLongLived ? longLived : (gracefulRestart?.families ?? []);
      const isForwarding = told.some((one) => one.family === family && one.isForwarding);
      if (families.includes(family) && isForwarding) {
        this.#kept.set(family, { at: now + STALE_US, longLivedUs: 0, isLongLived: false });
      } else this.#drop(family);
    }
  }

  /**
   * The neighbour has told all that it has of a family (RFC 4724 §2).
   *
   * @returns whether it has restarted gracefully by now: it was back in time, with all that was kept, and has told all of it again
   */
  toldAll(family: number): boolean {
    return this.#kept.delete(family) && this.#kept.size === 0 && this.#isWhole;
  }

  /** Nothing is kept any more. */
  forget(): void {
    for (const family of this.#kept.keys()) this.#drop(family);
  }

  deadline(): TimeUs {
    let earliest = NEVER;
    for (const { at } of this.#kept.values()) earliest = Math.min(earliest, at);
    return earliest;
  }

  expire(now: TimeUs): void {
    for (const [family, kept] of this.#kept) {
      if (now < kept.at) continue;
      this.#isWhole = false;
      if (kept.longLivedUs === 0) {
        this.#drop(family);
        continue;
      }
      this.#routes.keepLongLived(this.#index, family);
      this.#kept.set(family, { at: now + kept.longLivedUs, longLivedUs: 0, isLongLived: true });
    }
  }

  #drop(family: number): void {
    this.#isWhole = false;
    this.#kept.delete(family);
    this.#routes.dropStale(this.#index, family);
  }
}

/** RFC 4724 §4.2, §5: TCP was lost; RFC 8538 §4: or a NOTIFICATION was exchanged that is no Hard Reset. */
const keepsRoutes = ({ cause, notification }: Ending, { gracefulNotification }: Negotiated): boolean => {
  if (notification === undefined) return cause === 'connection';
  const isHard = notification.code === ErrorCode.cease && notification.subcode === CeaseSubcode.hardReset;
  return gracefulNotification && !isHard;
};
