import { nowUs } from '#host/clock/clock.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { FlapGuard } from '#protocol/flap-guard.ts';
import { echoNumber, echoRequest } from '#protocol/ip/echo.ts';
import { parseIpAddress } from '#protocol/ip/text.ts';
import type { IpView } from '#protocol/ip/view.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import type { Notice } from '../commands.ts';
import type { Session } from '../forward/session.ts';
import type { TenantTable } from '../forward/tenant-table.ts';
import { SiteHealth, type SiteState } from './site-health.ts';

/** How often devices are looked at. */
const SECOND_MS = 1000;
/** Answers to echo requests of so many seconds count. */
const LATEST = 3;
/** Added to the metric of who is the last choice. */
const LAST_CHOICE = 256;

export interface SiteWatchParts {
  readonly tenants: Pick<TenantTable, 'lead'>;
  readonly notify: (notice: Notice) => void;
  /** As `WireGuard.renewPeer`. */
  readonly renew: (peer: Peer, now: number) => void;
  /** What was sent leaves. */
  readonly afterTurn: () => void;
}

interface Watched {
  readonly peer: Peer;
  readonly session: Session;
  /** Undefined: it is the only device that has its networks. */
  readonly site: string | undefined;
  metric: number;
  readonly health: SiteHealth;
  /** Inside its site; undefined: nobody there is asked. */
  readonly probe: Uint8Array | undefined;
  /** Of the peer, when it was looked at last. */
  receivedBytes: number;
  isAnswered: boolean;
}

/** Whether a device is one of several of a site, or says what tells whether its site is reached. */
export const isOfSite = ({ site, probe }: WireGuardPeer): boolean => site !== undefined || probe !== undefined;

const ownOf = ({ sources }: Session, bytes: number): Uint8Array | undefined =>
  sources.find(({ address, length }) => address.length === bytes && length === 8 * bytes)?.address;

/** Finds out by which devices sites are reached, and leads what is for them accordingly. */
export class SiteWatch {
  readonly counters = { reached: 0, lost: 0, held: 0, asked: 0, answered: 0, handshakes: 0 };
  readonly #parts: SiteWatchParts;
  readonly #watched = new Map<number, Watched>();
  /** By the numbers of peers, for longer than their sessions. */
  readonly #guards = new Map<number, FlapGuard>();
  #isDraining = false;
  #timer: NodeJS.Timeout | undefined;
  #seconds = 0;

  constructor(parts: SiteWatchParts) {
    this.#parts = parts;
  }

  /** Devices of sites that are here, by how they reach them. */
  states(): Record<SiteState, number> {
    const states = { reached: 0, lost: 0, held: 0 };
    for (const { health } of this.#watched.values()) states[health.state]++;
    return states;
  }

  /** Before the session is attached: whether its networks lead to it is known by then. */
  begin(peer: Peer, session: Session, { site, metric = 0, probe }: WireGuardPeer): void {
    const guard = this.#guards.get(peer.number) ?? new FlapGuard();
    this.#guards.set(peer.number, guard);
    const inside = probe === undefined ? undefined : parseIpAddress(probe);
    const health = new SiteHealth(inside !== undefined, nowUs(), guard);
    const watched: Watched = {
      ...{ peer, session, site, metric, health, probe: inside },
      ...{ receivedBytes: peer.counters.receivedBytes, isAnswered: false },
    };
    this.#watched.set(peer.number, watched);
    session.isWithdrawn = health.state === 'lost';
    session.rank = this.#rankOf(watched);
    session.onEchoReply = (buffer, view) => this.#onReply(watched, buffer, view);
    this.#timer ??= setInterval(() => this.second(nowUs()), SECOND_MS).unref();
  }

  /** A record says something else of its site; the session is led to accordingly once that is known. Another probe is waited for. */
  change(peer: Peer, session: Session, before: WireGuardPeer, record: WireGuardPeer): void {
    const watched = this.#watched.get(peer.number);
    if (!isOfSite(record)) {
      this.end(peer.number);
      session.isWithdrawn = false;
      session.onEchoReply = undefined;
      const { tenant, device } = session;
      if (watched !== undefined) this.#parts.notify({ type: 'no-site', tenant, device });
    } else if (watched === undefined || before.probe !== record.probe || before.site !== record.site) {
      this.begin(peer, session, record);
      // Else it is asked anew (`attached`).
      if (before.probe === record.probe) this.#tell(this.#watched.get(peer.number));
    } else {
      watched.metric = record.metric ?? 0;
      session.rank = this.#rankOf(watched);
      this.#tell(watched);
    }
  }

  /** Its session is: others may hear of it. The first question need not wait for a second. */
  attached(number: number): void {
    const watched = this.#watched.get(number);
    this.#tell(watched);
    if (watched?.probe !== undefined) this.#ask(watched, watched.probe);
  }

  end(number: number): void {
    this.#watched.delete(number);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A peer is none any more. */
  forget(number: number): void {
    this.#guards.delete(number);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  /** What is for sites that another worker reaches, too, is to go there while this one drains. */
  drain(isDraining: boolean): void {
    if (this.#isDraining === isDraining) return;
    this.#isDraining = isDraining;
    for (const watched of this.#watched.values()) {
      if (watched.session.hasMoved) continue;
      this.#lead(watched);
      this.#tell(watched);
    }
  }

  /** A second has passed. */
  second(now: number): void {
    this.#seconds++;
    for (const watched of this.#watched.values()) if (!watched.session.hasMoved) this.#look(watched, now);
    this.#parts.afterTurn();
  }

  #look(watched: Watched, now: number): void {
    const { peer, session, health, probe, isAnswered } = watched;
    const isHeard = peer.counters.receivedBytes !== watched.receivedBytes;
    watched.receivedBytes = peer.counters.receivedBytes;
    watched.isAnswered = false;
    const before = health.state;
    const { asks, handshake } = health.second({ isHeard, isAnswered }, now);
    if (health.state !== before) this.#change(watched, before);
    if (probe !== undefined) this.#ask(watched, probe);
    else if (asks) this.#ask(watched, ownOf(session, 4) ?? ownOf(session, 16));
    if (!handshake) return;
    this.counters.handshakes++;
    this.#parts.renew(peer, now);
  }

  /** An address that has no way to us, since all of the tenant's are behind the device, is not asked. */
  #ask({ peer, session }: Watched, to: Uint8Array | undefined): void {
    if (to === undefined) return;
    const from = session.routes?.gatewayBeside(session.sources, to.length);
    const own = ownOf(session, to.length);
    if (from === undefined || own === undefined) return;
    const packet = echoRequest(from, to, (peer.number % 65_536) * 65_536 + (this.#seconds % 65_536), own);
    if (session.link.send(packet, 0, packet.length)) this.counters.asked++;
  }

  #onReply(watched: Watched, buffer: Uint8Array, view: IpView): void {
    if (watched.session.hasMoved) return;
    const number = echoNumber(buffer, view);
    const age = (this.#seconds - (number % 65_536) + 65_536) % 65_536;
    if (Math.floor(number / 65_536) !== watched.peer.number % 65_536 || age >= LATEST) return;
    this.counters.answered++;
    const { probe, health } = watched;
    const isProbe = probe?.length === view.addressBytes && probe.every((byte, i) => byte === buffer[view.sourceAt + i]);
    if (!isProbe) return;
    watched.isAnswered = true;
    const before = health.state;
    health.answered(nowUs());
    if (health.state !== before) this.#change(watched, before);
  }

  #change(watched: Watched, before: SiteState): void {
    this.counters[watched.health.state]++;
    this.#lead(watched);
    this.#tell(watched, before);
  }

  #tell(watched: Watched | undefined, before = watched?.health.state): void {
    if (watched === undefined || before === undefined) return;
    const { session, site, metric, health } = watched;
    const { tenant, device } = session;
    const rank = metric + this.#lateness(watched);
    this.#parts.notify({ type: 'site', tenant, device, site, rank, state: health.state, before });
  }

  #lead(watched: Watched): void {
    const { session, health } = watched;
    this.#parts.tenants.lead(session, health.state !== 'lost', this.#rankOf(watched));
  }

  #rankOf(watched: Watched): number | undefined {
    return watched.session.rank === undefined ? undefined : watched.metric + this.#lateness(watched);
  }

  #lateness({ health }: Watched): number {
    return health.state === 'held' || this.#isDraining ? LAST_CHOICE : 0;
  }
}
