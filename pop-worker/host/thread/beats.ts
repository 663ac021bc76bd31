import { NEVER, type TimeUs } from '#protocol/contract.ts';
import { beatingThread, lastBeat } from './beat.ts';
import { CoreWait } from './core-wait.ts';

/** What a thread does: all else, packets, or BGP. */
export type ThreadKind = 'main' | 'data' | 'bgp';

/** A thread without whose work a peer had better not send us anything. */
export interface WatchedThread {
  readonly thread: ThreadKind;
  /** `beat.ts`: the thread beats again and again while it works. */
  readonly beat: SharedArrayBuffer;
  /** It may be silent for so long without waiting for a core; at least 3 times what it leaves between beats. */
  readonly limitMs: number;
  /** It may be silent for so long whatever it waits for; not less. */
  readonly lateMs: number;
}

/** All must have beaten for so long before sessions may come Up again. */
const CALM_US = 1_000_000;
/** Looked at so often in the shortest limit. */
const LOOKS = 4;
const LONGEST_PERIOD_US = 100_000;

/** Microseconds that a thread has waited for a core in all (`CoreWait`). */
type Waits = Pick<CoreWait, 'totalUs' | 'close'>;
const NO_WAITS: Waits = { totalUs: () => 0, close: () => {} };

/** One thread, as it was seen. */
interface Seen {
  readonly watched: WatchedThread;
  readonly beat: Float64Array;
  waits: Waits | undefined;
  value: number;
  /** When it was seen to change, and how long it had waited for a core by then. */
  changedAt: TimeUs;
  waitedUs: number;
  /** That it is late has been counted. */
  wasLate: boolean;
}

/**
 * Whether other threads still work, by values in shared memory that they change: their clocks do not matter. A time in
 * which this thread itself did not run counts for nobody. A thread that waits for a core is late, and not stuck: that it is
 * only after a longer limit.
 */
export class Beats {
  /** Time between looks. */
  readonly periodUs: number;
  /** The thread that is silent, or was within the last second; undefined: all beat. */
  missing: WatchedThread | undefined;
  /** The thread that is missing waited for a core, as far as is known. */
  isLate = false;
  /** How often a thread was late: silent for longer than it may, had it not waited for a core. */
  readonly late: Record<ThreadKind, number> = { main: 0, data: 0, bgp: 0 };
  readonly #seen: readonly Seen[];
  readonly #waitsOf: (thread: number) => Waits | undefined;
  #lookedAt: TimeUs;
  /** Until when sessions stay down. */
  #calmAt: TimeUs = NEVER;

  /** @param waitsOf a thread, by the kernel's number of it; undefined: nothing is known of it, and it has no excuse */
  constructor(
    watched: readonly WatchedThread[],
    now: TimeUs,
    waitsOf: (thread: number) => Waits | undefined = CoreWait.of,
  ) {
    this.#waitsOf = waitsOf;
    this.#seen = watched.map((each) => {
      const beat = new Float64Array(each.beat);
      const value = lastBeat(beat);
      return { watched: each, beat, waits: undefined, value, changedAt: now, waitedUs: 0, wasLate: false };
    });
    this.#lookedAt = now;
    const shortest = Math.min(...watched.map(({ limitMs }) => limitMs * 1000), NEVER);
    this.periodUs = Math.min(shortest / LOOKS, LONGEST_PERIOD_US);
  }

  /** @returns the thread that has just been found silent, or undefined */
  look(now: TimeUs): WatchedThread | undefined {
    const gap = now - this.#lookedAt;
    const away = gap > 2 * this.periodUs ? gap - this.periodUs : 0;
    this.#lookedAt = now;
    let silent: WatchedThread | undefined;
    for (let i = 0; i < this.#seen.length; i++) {
      const seen = this.#seen[i] as Seen;
      if (this.#isSilent(seen, away, now)) silent = seen.watched;
    }
    if (silent !== undefined) {
      this.#calmAt = now + CALM_US;
      const isNew = this.missing === undefined;
      this.missing = silent;
      return isNew ? silent : undefined;
    }
    if (this.missing !== undefined && now >= this.#calmAt) this.missing = undefined;
    return undefined;
  }

  /** @returns what says for how many microseconds since now one of the threads has waited for a core, the one that did most */
  waits(now: TimeUs): (now: TimeUs) => number {
    const before = this.#seen.map((seen) => this.#waitedUs(seen, now));
    return (later) => Math.max(0, ...this.#seen.map((seen, i) => this.#waitedUs(seen, later) - (before[i] as number)));
  }

  close(): void {
    for (const { waits } of this.#seen) waits?.close();
  }

  #isSilent(seen: Seen, away: number, now: TimeUs): boolean {
    const { watched, beat } = seen;
    const value = lastBeat(beat);
    // Not before it has begun.
    const hasBeaten = value !== seen.value || value === 0;
    seen.changedAt = hasBeaten ? now : seen.changedAt + away;
    if (hasBeaten || away > 0) seen.waitedUs = this.#waitedUs(seen, now);
    if (hasBeaten) {
      seen.value = value;
      seen.wasLate = false;
      return false;
    }
    const limitUs = watched.limitMs * 1000;
    const silentUs = now - seen.changedAt;
    if (silentUs * LOOKS < limitUs) return false;
    // Looked at before it matters, since a wait that goes on is told by more than one look.
    const waitedUs = this.#waitedUs(seen, now) - seen.waitedUs;
    if (silentUs <= limitUs) return false;
    const isStuck = silentUs - waitedUs > limitUs;
    if (isStuck || silentUs > watched.lateMs * 1000) {
      this.isLate = !isStuck;
      return true;
    }
    if (!seen.wasLate) this.late[watched.thread]++;
    seen.wasLate = true;
    return false;
  }

  #waitedUs(seen: Seen, now: TimeUs): number {
    const thread = beatingThread(seen.beat);
    if (thread !== 0) seen.waits ??= this.#waitsOf(thread) ?? NO_WAITS;
    return seen.waits?.totalUs(now) ?? 0;
  }
}
