import { NEVER, type TimeUs } from '../contract.ts';
import { MOST_WINDOW_US, majorityOf } from './options.ts';
import type { Probe } from './wire/probe.ts';

/** What we know of one other member for leases. */
interface Standing {
  /** When its latest probe came. */
  heardAt: TimeUs;
  /** How long it may be silent, as of that probe. */
  windowUs: number;
  /** Until when we promised it not to say that it is dead. */
  promisedUntil: TimeUs;
  /** Until when others may count what we said last against it: so long it gets no promise. */
  accusedUntil: TimeUs;
  /** Until when it promised that to us. */
  grantedUntil: TimeUs;
  /** Whom it does not hear, and until when that counts. */
  unheard: readonly number[];
  unheardUntil: TimeUs;
  /** By its own word it serves nobody. */
  yields: boolean;
  /** Its host said that nobody is at its port: unless it is heard again, it is unheard from then on. */
  goneAt: TimeUs;
  /** Its latest probe says that it does not hear us: however old what it echoes, what we send does not arrive. */
  isDeaf: boolean;
}

const silentAt = ({ heardAt, windowUs, promisedUntil, goneAt }: Standing): TimeUs =>
  Math.min(goneAt, Math.max(heardAt + windowUs, promisedUntil));

/**
 * Who lives, by the word of a majority.
 *
 * A member holds its lease until the time to which a majority (itself included) promised not to call it dead. It is dead for
 * us while a majority says that it does not hear it, each in a probe that answers one which we sent lately. Whoever calls a
 * member dead promises it nothing until nobody can count that any more. Two majorities have a member in common, so nobody
 * who holds a lease is dead for anybody, as long as clocks run equally fast (they need not show the same time).
 */
export class Leases {
  readonly #own: number;
  readonly #standings = new Map<number, Standing>();
  /** As `leaseUntil`; undefined: something has changed since. */
  #leaseUntil: TimeUs | undefined;

  constructor(own: number) {
    this.#own = own;
  }

  /** Members other than ourselves, in place of those before. */
  setMembers(wanted: ReadonlySet<number>, now: TimeUs): void {
    this.#leaseUntil = undefined;
    for (const member of this.#standings.keys()) if (!wanted.has(member)) this.#standings.delete(member);
    for (const member of wanted) {
      if (this.#standings.has(member)) continue;
      this.#standings.set(member, {
        // What we promised or said before a restart counts for so long yet.
        ...{ heardAt: now, windowUs: MOST_WINDOW_US, promisedUntil: 0, accusedUntil: now + MOST_WINDOW_US },
        ...{ grantedUntil: 0, unheard: [], unheardUntil: 0, yields: false, goneAt: NEVER, isDeaf: false },
      });
    }
  }

  get majority(): number {
    return majorityOf(this.#standings.size + 1);
  }

  /** A probe came from a member. @param windowUs how long it may be silent from now on */
  heard(member: number, probe: Probe, windowUs: number, now: TimeUs): void {
    const standing = this.#standings.get(member);
    if (standing === undefined) return;
    standing.heardAt = now;
    standing.windowUs = windowUs;
    standing.goneAt = NEVER;
    standing.yields = probe.yields === true;
    standing.isDeaf = probe.unheard.includes(this.#own);
    const { echo } = probe;
    if (echo === undefined) return;
    const until = echo.sentUs + probe.windowUs;
    // An echo that came late, or of a clock that started anew, is worth less than nothing.
    if (echo.sentUs > now) return;
    if (probe.grants && until > standing.grantedUntil) {
      standing.grantedUntil = until;
      this.#leaseUntil = undefined;
    }
    standing.unheard = probe.unheard;
    standing.unheardUntil = until;
  }

  /** It started anew: what it said before counts no more. */
  restarted(member: number): void {
    const standing = this.#standings.get(member);
    if (standing === undefined) return;
    standing.grantedUntil = 0;
    standing.unheardUntil = 0;
    standing.yields = false;
    this.#leaseUntil = undefined;
  }

  /** Nobody is at its port, as its host says; unless it says something within `graceUs` of what it said last. */
  refused(member: number, graceUs: number): void {
    const standing = this.#standings.get(member);
    if (standing !== undefined) standing.goneAt = standing.heardAt + graceUs;
  }

  /** Whether it serves nobody, by its own word. */
  yields(member: number): boolean {
    return this.#standings.get(member)?.yields === true;
  }

  /** Whether we hear it ourselves. */
  hears(member: number, now: TimeUs): boolean {
    const standing = this.#standings.get(member);
    if (standing === undefined) return member === this.#own;
    return now <= silentAt(standing);
  }

  /** Promises a member its lease, if we may. To be called when a probe that echoes it leaves. */
  promise(member: number, echoedAt: TimeUs, windowUs: number, now: TimeUs): boolean {
    const standing = this.#standings.get(member);
    if (standing === undefined || now <= standing.accusedUntil) return false;
    standing.promisedUntil = Math.max(standing.promisedUntil, echoedAt + windowUs);
    return true;
  }

  /** Members that we do not hear, and those that serve nobody by their own word. What is named in a probe counts against them for `countsUs` yet. */
  *unheard(now: TimeUs): Generator<number> {
    for (const [member, { yields }] of this.#standings) if (yields || !this.hears(member, now)) yield member;
  }

  /** When the next of those that we hear falls silent, if it says nothing until then. */
  nextSilence(now: TimeUs): TimeUs {
    let first = NEVER;
    for (const standing of this.#standings.values()) {
      const at = silentAt(standing);
      if (at >= now && at < first) first = at;
    }
    return first;
  }

  /** Members that we do not hear, or that say so of us: what one of both sends directly does not come. */
  *apart(now: TimeUs): Generator<number> {
    for (const member of this.#standings.keys()) {
      if (this.areApart(member, now)) yield member;
    }
  }

  /** Whether packets fail in one direction between us and a member, or in both. */
  areApart(member: number, now: TimeUs): boolean {
    return !this.hears(member, now) || this.#standings.get(member)?.isDeaf === true;
  }

  accused(member: number, countsUs: number, now: TimeUs): void {
    const standing = this.#standings.get(member);
    if (standing !== undefined) standing.accusedUntil = Math.max(standing.accusedUntil, now + countsUs);
  }

  /** Until when we hold our own lease; in the past: we do not. Alone: for ever. */
  leaseUntil(): TimeUs {
    this.#leaseUntil ??= this.#grantedByMajority();
    return this.#leaseUntil;
  }

  #grantedByMajority(): TimeUs {
    const needed = this.majority - 1;
    if (needed === 0) return NEVER;
    const granted = Float64Array.from(this.#standings.values(), ({ grantedUntil }) => grantedUntil).sort();
    return granted[granted.length - needed] ?? 0;
  }

  /** Members, ourselves included, whose word that they do not hear this one counts now. */
  accusers(member: number, now: TimeUs): number {
    let count = member !== this.#own && !this.hears(member, now) ? 1 : 0;
    for (const { unheard, unheardUntil } of this.#standings.values()) {
      if (unheardUntil > now && unheard.includes(member)) count++;
    }
    return count;
  }

  /** Whether anybody else says that it does not hear somebody. */
  anyAccused(now: TimeUs): boolean {
    for (const { unheard, unheardUntil } of this.#standings.values()) {
      if (unheard.length > 0 && unheardUntil > now) return true;
    }
    return false;
  }

  /** Whether one says of another that it does not hear it. */
  accuses(member: number, of: number, now: TimeUs): boolean {
    const standing = this.#standings.get(member);
    return standing !== undefined && standing.unheardUntil > now && standing.unheard.includes(of);
  }

  /** Whether a majority says so, or it does itself. What it does not hear itself, a majority of two cannot say. */
  isDead(member: number, now: TimeUs): boolean {
    return this.yields(member) || (this.#standings.has(member) && this.accusers(member, now) >= this.majority);
  }

  /** Whether a majority, ourselves included, hears us and is heard, as far as we know. */
  reachesMajority(now: TimeUs): boolean {
    let count = 1;
    for (const member of this.#standings.keys()) if (!this.areApart(member, now)) count++;
    return count >= this.majority;
  }
}
