import { NEVER, type TimeUs } from '../contract.ts';

/** How a drain ended. */
export type DrainEnd = 'moved' | 'deadline' | 'undone';

/** What is said of a drain, under way or over. */
export interface DrainReport {
  /** Sessions when it began, and now or at its end: what is left is cut off. */
  readonly sessions: number;
  readonly left: number;
  readonly startedUs: TimeUs;
  /** Absent while it is under way. */
  readonly ended?: { readonly how: DrainEnd; readonly atUs: TimeUs };
}

/**
 * A planned leave: routing is asked to lead nobody new here and each session to go elsewhere, while what still comes is
 * forwarded; over when all sessions have gone, or at the deadline.
 */
export class Drain {
  readonly #deadline: TimeUs;
  readonly #leastUntil: TimeUs;
  #report: DrainReport;

  /**
   * @param leastUs how long it takes at least: until every upstream router has heard that this path is the last to be
   *   taken, so that not even a session that is about to begin is cut off
   */
  constructor(sessions: number, now: TimeUs, longestUs: number, leastUs: number) {
    this.#deadline = now + Math.max(longestUs, leastUs);
    this.#leastUntil = now + leastUs;
    this.#report = { sessions, left: sessions, startedUs: now };
  }

  get report(): DrainReport {
    return this.#report;
  }

  get isOver(): boolean {
    return this.#report.ended !== undefined;
  }

  /** @param sessions how many are still here */
  handle(sessions: number, now: TimeUs): void {
    if (this.isOver) return;
    this.#report = { ...this.#report, left: sessions };
    if (sessions === 0 && now >= this.#leastUntil) this.#end('moved', now);
    else if (now >= this.#deadline) this.#end('deadline', now);
  }

  undo(now: TimeUs): void {
    if (!this.isOver) this.#end('undone', now);
  }

  deadline(): TimeUs {
    if (this.isOver) return NEVER;
    return this.#report.left === 0 ? this.#leastUntil : this.#deadline;
  }

  #end(how: DrainEnd, atUs: TimeUs): void {
    this.#report = { ...this.#report, ended: { how, atUs } };
  }
}
