import { NEVER, type TimeUs } from '../../contract.ts';

/** All routes of a family are told again at most once in this time: it takes as long as there are routes. */
export const REFRESH_EVERY_US = 2e6;

interface Family {
  readonly family: number;
  /** When it was last told, or will be next. */
  at: TimeUs;
  isDue: boolean;
}

/** How often a neighbour's requests for all routes (RFC 2918) are heeded: those that come meanwhile become one. */
export class RefreshPace {
  readonly #families: Family[] = [];

  /** @returns whether it is to be told now; otherwise `due` says when */
  asked(family: number, now: TimeUs): boolean {
    const known = this.#families.find((one) => one.family === family);
    if (known === undefined) {
      this.#families.push({ family, at: now, isDue: false });
      return true;
    }
    if (known.isDue) return false;
    if (now - known.at >= REFRESH_EVERY_US) {
      known.at = now;
      return true;
    }
    known.at += REFRESH_EVERY_US;
    known.isDue = true;
    return false;
  }

  deadline(): TimeUs {
    let earliest = NEVER;
    for (const { at, isDue } of this.#families) if (isDue) earliest = Math.min(earliest, at);
    return earliest;
  }

  /** @returns families that are to be told now */
  due(now: TimeUs): number[] {
    const due = this.#families.filter(({ at, isDue }) => isDue && at <= now);
    for (const one of due) {
      one.at = now;
      one.isDue = false;
    }
    return due.map(({ family }) => family);
  }

  /** The session is another one. */
  clear(): void {
    this.#families.length = 0;
  }
}
