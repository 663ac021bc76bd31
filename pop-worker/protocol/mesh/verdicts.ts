import { NEVER, type TimeUs } from '../contract.ts';
import type { Leases } from './leases.ts';
import type { OwnLease } from './own-lease.ts';
import type { Peers } from './peers.ts';
import type { Gossip } from './presence/gossip.ts';
import type { MeshSink } from './sink.ts';
import type { Probe } from './wire/probe.ts';

/** Verdicts and our own lease are looked at so often at most, unless something was said of them. */
const LOOK_US = 5_000;
/** A member whose host says that it is gone is unheard after so many intervals without a probe. */
const GONE_PROBES = 1.5;
const OVERDUE_PROBES = 1.25;

export interface VerdictsParts {
  readonly peers: Peers;
  readonly leases: Leases;
  readonly ownLease: OwnLease;
  readonly gossip: Gossip;
  readonly sink: Pick<MeshSink, 'leaseChanged' | 'verdict'>;
}

/** What becomes of leases in time: who is dead and alive again, whether we hold our own, and when to look at that. */
export class Verdicts {
  readonly #parts: VerdictsParts;
  /** When verdicts and our own lease are looked at next. */
  #lookAt: TimeUs;
  #holdsLease = true;
  /** Members accused by anybody since we looked. */
  readonly #suspects = new Set<number>();
  #silent: ReadonlySet<number> = new Set();

  constructor(parts: VerdictsParts, now: TimeUs) {
    this.#parts = parts;
    this.#lookAt = now;
  }

  /** Something was said that may change a verdict, or our own lease. */
  lookSoon(now: TimeUs): void {
    this.#lookAt = now;
  }

  /** What a probe says of others, or of its sender, may change a verdict: that is looked at soon. */
  suspect(probe: Probe, from: number, now: TimeUs): void {
    const { leases } = this.#parts;
    let isNews = (probe.yields === true) !== leases.yields(from);
    if (probe.yields === true) this.#suspects.add(from);
    for (const accused of probe.unheard) {
      this.#suspects.add(accused);
      isNews ||= !leases.accuses(from, accused, now);
    }
    if (isNews) this.lookSoon(now);
  }

  /** As `Mesh.overdue`. */
  *overdue(now: TimeUs): Generator<number> {
    const { peers, leases } = this.#parts;
    const patience = OVERDUE_PROBES * peers.intervalUs;
    for (const { member, isLinked, heardAt } of peers)
      if (isLinked && now - heardAt > patience && leases.hears(member, now)) yield member;
  }

  /** As `Mesh.refused`. */
  refused(member: number, now: TimeUs): void {
    const { peers, leases } = this.#parts;
    leases.refused(member, GONE_PROBES * peers.intervalUs);
    this.#lookAt = Math.min(this.#lookAt, Math.max(now, leases.nextSilence(now) + 1));
  }

  /** Time has passed. */
  run(now: TimeUs): void {
    if (now < this.#lookAt) return;
    const { peers, leases, ownLease, sink } = this.#parts;
    this.#lookAt = Math.min(now + peers.intervalUs, Math.max(now + LOOK_US, leases.nextSilence(now) + 1));
    const holds = ownLease.isHeld(now);
    if (holds !== this.#holdsLease) {
      this.#holdsLease = holds;
      sink.leaseChanged(holds, now);
    }
    this.#lookForSilence(now);
    for (const member of this.#suspects) this.#judge(member, now);
  }

  /** Whom we do not hear, others may have to judge; and those whose packets we hand on are to know at once. */
  #lookForSilence(now: TimeUs): void {
    const { peers, leases } = this.#parts;
    for (const member of leases.unheard(now)) this.#suspects.add(member);
    let isNew = false;
    let count = 0;
    for (const member of leases.apart(now)) {
      count++;
      isNew ||= !this.#silent.has(member);
    }
    if (!isNew && count === this.#silent.size) return;
    this.#silent = new Set(leases.apart(now));
    peers.rouse(now, (peer) => {
      peer.vectorAt = now;
    });
  }

  #judge(member: number, now: TimeUs): void {
    const { peers, leases, gossip, sink } = this.#parts;
    const peer = peers.get(member);
    const isDead = peer !== undefined && leases.isDead(member, now);
    if (peer !== undefined && isDead !== peer.wasDead) {
      peer.wasDead = isDead;
      if (isDead) gossip.free(member, now);
      sink.verdict(member, isDead, now);
    }
    if (!isDead && leases.hears(member, now)) this.#suspects.delete(member);
  }

  /** Whether something that came is to be looked at without delay. */
  isDue(now: TimeUs): boolean {
    return this.#lookAt <= now;
  }

  deadline(): TimeUs {
    return this.#parts.peers.size === 0 ? NEVER : this.#lookAt;
  }
}
