import { type Core, NEVER, type TimeUs } from '../contract.ts';
import { FLAP_RULES, FlapGuard, type FlapRules } from '../flap-guard.ts';
import { Check, type CheckRules } from './check.ts';
import { Drain, type DrainReport } from './drain.ts';

/** What the neighbours are to be told of the anycast prefixes. */
export interface Announcement {
  readonly isAnnounced: boolean;
  /** 0 to 10, in tenths of the full preference: how much others are to be preferred to this worker's path. */
  readonly preference: number;
  /** With the community GRACEFUL_SHUTDOWN (RFC 8326 §4). */
  readonly isLeaving: boolean;
  /** Of prefixes that nobody else announces alone: its own ways out may lead nowhere. */
  readonly onlyAlone?: true;
}

/** What was said to a worker: by the API, or at its own machine. */
export type AnycastOrder = 'serve' | 'drain' | 'withdraw';

/** Why it is announced or not. */
export type AnycastState =
  | 'waiting'
  | 'announced'
  | 'returning'
  | 'last'
  | 'draining'
  | 'drained'
  | 'failed'
  | 'held'
  | 'withdrawn';

export interface AnnouncerRules {
  readonly checks: readonly CheckRules[];
  readonly flaps: FlapRules;
  /** A path that comes back gets a tenth of the preference more each so often; 0: all at once. */
  readonly stepUs: number;
  /** A drain ends at the latest and at the earliest after so long. */
  readonly drainUs: number;
  readonly leastDrainUs: number;
}

const SECOND = 1_000_000;
export const FULL_PREFERENCE = 10;
const WITHDRAWN: Announcement = { isAnnounced: false, preference: 0, isLeaving: false };
const LAST_CHOICE: Announcement = { isAnnounced: true, preference: 0, isLeaving: false, onlyAlone: true };
const LEAVING: Announcement = { isAnnounced: true, preference: 0, isLeaving: true };
const LEAVING_LAST: Announcement = { ...LEAVING, onlyAlone: true };

export const ANNOUNCER_RULES: Omit<AnnouncerRules, 'checks'> = {
  flaps: FLAP_RULES,
  stepUs: 5 * SECOND,
  drainUs: 60 * SECOND,
  leastDrainUs: SECOND,
};

export type AnnouncerInput =
  | { readonly type: 'check'; readonly name: string /** Of a failure. */; readonly reason?: string }
  | { readonly type: 'order'; readonly order: AnycastOrder }
  /** Sessions that are still here. */
  | { readonly type: 'sessions'; readonly count: number }
  /** Whether one of its prefixes is announced by nobody else, as far as is known: so it is where nobody is heard. */
  | { readonly type: 'alone'; readonly isAlone: boolean }
  | { readonly type: 'time' };

/** Where the announcement is put. */
export interface AnnouncementSlot {
  announcement: Announcement;
}

/**
 * Decides what a worker announces: its prefixes while its own checks hold, less and less preferred before it leaves, more
 * and more after it came back. One that merely hears nobody goes on (a fault of the mesh or of the control plane must not
 * become an outage of all), and so does the last one for checks that a common cause can fail. A drain only ever takes
 * away: it goes on with what it finds announced, and failed checks withdraw that too.
 */
export class Announcer implements Core<AnnouncerInput, AnnouncementSlot> {
  readonly #rules: AnnouncerRules;
  readonly #checks: ReadonlyMap<string, Check>;
  readonly #flaps: FlapGuard;
  #order: AnycastOrder = 'serve';
  #drain: Drain | undefined;
  #sessions = 0;
  #isAlone = true;
  #state: AnycastState = 'waiting';
  /** When the path came back; undefined: it is fully preferred, or was never announced. */
  #returnedAt: TimeUs | undefined;
  #hasServed = false;
  /** The drain found it announced, and nothing has withdrawn it since: a drain announces nothing that was not there. */
  #leaves = false;
  /** …as the last choice, be it from the beginning or by a check that failed since. */
  #leavesLast = false;
  #said: Announcement = WITHDRAWN;
  #now: TimeUs = 0;

  constructor(rules: AnnouncerRules) {
    this.#rules = rules;
    this.#checks = new Map(rules.checks.map((check) => [check.name, new Check(check)]));
    this.#flaps = new FlapGuard(rules.flaps);
  }

  get state(): AnycastState {
    return this.#state;
  }

  get checks(): Iterable<Check> {
    return this.#checks.values();
  }

  /** Of the drain that is under way, or of the last one. */
  get drain(): DrainReport | undefined {
    return this.#drain?.report;
  }

  /** How often it was held back as it came and went. */
  get held(): number {
    return this.#flaps.held;
  }

  handle(input: AnnouncerInput, now: TimeUs): void {
    this.#now = now;
    switch (input.type) {
      case 'check':
        this.#checks.get(input.name)?.report(input.reason, now);
        break;
      case 'order':
        this.#takeOrder(input.order, now);
        break;
      case 'sessions':
        this.#sessions = input.count;
        break;
      case 'alone':
        this.#isAlone = input.isAlone;
        break;
      case 'time':
        break;
    }
    for (const check of this.#checks.values()) check.elapse(now);
    this.#drain?.handle(this.#sessions, now);
    this.#become(this.#next(now), now);
  }

  /** @returns whether the announcement is another one than was told before */
  poll(now: TimeUs, out: AnnouncementSlot): boolean {
    const next = this.#announcement(now);
    const { isAnnounced, preference, isLeaving, onlyAlone } = this.#said;
    const isSame = next.isAnnounced === isAnnounced && next.preference === preference && next.isLeaving === isLeaving;
    if (isSame && next.onlyAlone === onlyAlone) return false;
    this.#said = next;
    out.announcement = next;
    return true;
  }

  deadline(): TimeUs {
    const checks = Array.from(this.#checks.values(), ({ deadline }) => deadline);
    const drain = this.#drain?.deadline() ?? NEVER;
    return Math.min(drain, this.#flaps.deadline(this.#now), this.#nextStep(), ...checks);
  }

  #takeOrder(order: AnycastOrder, now: TimeUs): void {
    if (order === this.#order) return;
    this.#order = order;
    const { isAnnounced, onlyAlone = false } = this.#announcement(now);
    this.#leaves = order === 'drain' && isAnnounced;
    this.#leavesLast = onlyAlone;
    if (order === 'drain') {
      const { drainUs, leastDrainUs } = this.#rules;
      this.#drain = new Drain(this.#sessions, now, drainUs, leastDrainUs);
    } else {
      this.#drain?.undo(now);
    }
    // Whoever says that it is to serve has mended what flapped.
    if (order === 'serve') this.#flaps.clear();
  }

  #next(now: TimeUs): AnycastState {
    const checks = [...this.#checks.values()].filter(({ rules }) => rules.effect !== 'show');
    const failed = checks.filter(({ state }) => state === 'failed');
    // Whoever cannot forward has nothing to drain.
    if (failed.some(({ rules }) => rules.effect === 'withdraw')) return 'failed';
    if (this.#order === 'withdraw') return 'withdrawn';
    if (this.#order === 'drain' && this.#drain?.isOver === true) return 'drained';
    const isLast = this.#hasServed && this.#isAlone;
    if (this.#order === 'drain') {
      this.#leavesLast ||= failed.length > 0;
      return failed.length === 0 || isLast ? 'draining' : 'failed';
    }
    if (checks.some(({ state }) => state === 'unknown')) return failed.length > 0 ? 'failed' : 'waiting';
    if (this.#flaps.isHeld(now)) return 'held';
    if (failed.length > 0) return isLast ? 'last' : 'failed';
    return this.#preference(now) < FULL_PREFERENCE ? 'returning' : 'announced';
  }

  #become(next: AnycastState, now: TimeUs): void {
    const serves = (state: AnycastState): boolean => state === 'announced' || state === 'returning';
    const was = this.#state;
    if (next === was) return;
    if (next !== 'draining') this.#leaves = false;
    if (serves(was) && next === 'failed') {
      this.#flaps.ended(now);
      this.#returnedAt = undefined;
    }
    this.#state = next;
    if (!serves(next)) {
      this.#returnedAt = undefined;
      return;
    }
    if (serves(was)) return;
    // A worker that begins is in nobody's way: those before it have gone already. One that comes back takes from others.
    if (this.#hasServed && this.#rules.stepUs > 0) this.#returnedAt = now;
    this.#hasServed = true;
    if (this.#preference(now) < FULL_PREFERENCE) this.#state = 'returning';
    else this.#state = 'announced';
  }

  #preference(now: TimeUs): number {
    if (this.#returnedAt === undefined) return FULL_PREFERENCE;
    return Math.min(FULL_PREFERENCE, 1 + Math.floor((now - this.#returnedAt) / this.#rules.stepUs));
  }

  #nextStep(): TimeUs {
    const { stepUs } = this.#rules;
    if (this.#returnedAt === undefined || this.#state !== 'returning') return NEVER;
    return this.#returnedAt + stepUs * (1 + Math.floor((this.#now - this.#returnedAt) / stepUs));
  }

  #announcement(now: TimeUs): Announcement {
    switch (this.#state) {
      case 'announced':
      case 'returning':
        return { isAnnounced: true, preference: this.#preference(now), isLeaving: false };
      case 'last':
        return LAST_CHOICE;
      case 'draining':
        if (!this.#leaves) return WITHDRAWN;
        return this.#leavesLast ? LEAVING_LAST : LEAVING;
      default:
        return WITHDRAWN;
    }
  }
}
