import { RoutableCids } from '#dataplane/exchange/cids.ts';
import { type Advertisement, advertisementTo } from '#pop-worker/routing/anycast/advertisement.ts';
import { ANNOUNCER_RULES, type Announcement, Announcer, type AnycastOrder } from '#protocol/anycast/announcer.ts';
import type { Random, TimeUs } from '#protocol/contract.ts';
import { numberedWorker } from '#protocol/quic-lb/server-id.ts';

/** Checks as a worker has them (docs/failover.md). */
const STABLE_US = 2_000_000;
const CHECKS = [
  { name: 'threads', effect: 'withdraw', failures: 1, stableUs: STABLE_US },
  { name: 'forwarding', effect: 'withdraw', failures: 3, stableUs: STABLE_US },
] as const;
/** Threads are looked at each time, the forwarding probe asks each fourth. */
export const CHECK_US = 25_000;
const CHECKS_A_PROBE = 4;
const THREAD_LIMIT_US = 250_000;
/** Lookers on allow so much between a failed check and the withdrawal. */
const WITHDRAW_US = 50_000;

const KEYS = [{ id: 0, key: Uint8Array.from({ length: 16 }, (_, i) => 17 * i) }];
const OWN: Advertisement = { med: 0, prepend: 0, communities: [] };
const SILENT: Announcement = { isAnnounced: false, preference: 0, isLeaving: false };

export interface PopParts {
  readonly member: number;
  readonly random: Random;
  /** How many devices have a session here. */
  readonly sessions: () => number;
  /** Upstream is told this, or that it is withdrawn. */
  readonly advertise: (advertisement: Advertisement | undefined) => void;
}

/** A PoP's worker besides its mesh: what it announces, and the connection IDs that it makes. */
export class Pop {
  announcer = this.#announcer();
  cids: RoutableCids;
  /** The data plane answers nothing: since when. */
  wedgedAt: TimeUs | undefined;
  /** Nothing comes through its links, though all of it lives, and hears the control plane. */
  isCutOff = false;
  /** Withdrawals by a failed check: when. */
  readonly withdrawals: TimeUs[] = [];
  readonly #parts: PopParts;
  readonly #slot = { announcement: SILENT };
  #epoch = 0;
  #checks = 0;
  /** Upstream has a BGP session with it. */
  #isNeighbour = true;

  constructor(parts: PopParts) {
    this.#parts = parts;
    this.cids = this.#freshCids();
  }

  #announcer(): Announcer {
    return new Announcer({ ...ANNOUNCER_RULES, checks: CHECKS });
  }

  #freshCids(): RoutableCids {
    const setup = { keys: KEYS, worker: numberedWorker(this.#parts.member), epoch: ++this.#epoch };
    return new RoutableCids(setup, 0, this.#parts.random);
  }

  /** The process starts anew. */
  restart(): void {
    this.announcer = this.#announcer();
    this.#slot.announcement = SILENT;
    this.wedgedAt = undefined;
    this.cids = this.#freshCids();
  }

  /** Its BGP session with upstream is up or down. */
  neighbour(isUp: boolean): void {
    if (isUp === this.#isNeighbour) return;
    this.#isNeighbour = isUp;
    this.#tell();
  }

  order(order: AnycastOrder, now: TimeUs): void {
    this.announcer.handle({ type: 'order', order }, now);
    this.#poll(now);
  }

  get isAnnounced(): boolean {
    return this.#slot.announcement.isAnnounced;
  }

  /** Sessions are asked to go elsewhere. */
  get isDraining(): boolean {
    return this.announcer.state === 'draining';
  }

  /** A check has failed, and long enough ago, and still it is announced. */
  isLateToWithdraw(now: TimeUs): boolean {
    return this.wedgedAt !== undefined && now > this.wedgedAt + THREAD_LIMIT_US + WITHDRAW_US && this.isAnnounced;
  }

  /** Asks its checks. To be called each `CHECK_US` while the process runs. */
  check(now: TimeUs): void {
    const { announcer, wedgedAt } = this;
    const isStuck = wedgedAt !== undefined && now >= wedgedAt + THREAD_LIMIT_US;
    announcer.handle({ type: 'check', name: 'threads', ...(isStuck && { reason: 'stuck' }) }, now);
    if (this.#checks++ % CHECKS_A_PROBE === 0) {
      const reason = wedgedAt === undefined ? {} : { reason: 'no answer' };
      announcer.handle({ type: 'check', name: 'forwarding', ...reason }, now);
      announcer.handle({ type: 'sessions', count: this.#parts.sessions() }, now);
    }
    this.#poll(now);
  }

  #poll(now: TimeUs): void {
    const was = this.isAnnounced;
    while (this.announcer.poll(now, this.#slot)) this.#tell();
    if (was && !this.isAnnounced && this.announcer.state === 'failed') this.withdrawals.push(now);
  }

  #tell(): void {
    const { announcement } = this.#slot;
    const isTold = this.#isNeighbour && announcement.isAnnounced;
    this.#parts.advertise(isTold ? advertisementTo(OWN, announcement) : undefined);
  }
}
