import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { P_LENGTH, P_OFFSET, P_PEER, PACKET_WORDS } from '#protocol/wireguard/options.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import type { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Admitted } from '../admission.ts';
import type { Notice } from '../commands.ts';
import type { EndReason, LiveTunnel, TunnelHolder } from '../endings.ts';
import type { Faults } from '../faults.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import { Session } from '../forward/session.ts';
import { settleSoon } from '../forward/settle-soon.ts';
import type { TenantTable } from '../forward/tenant-table.ts';
import type { KnownPeer, PeerBook } from './peer-book.ts';
import { changesOf, type RecordChanges } from './record-changes.ts';
import { isOfSite, SiteWatch } from './site-watch.ts';

export interface WireGuardSessionsParts {
  readonly core: () => WireGuard;
  readonly peers: () => Pick<PeerBook, 'get' | 'restingKeepalive'>;
  readonly forwarder: Forwarder;
  readonly tenants: TenantTable;
  readonly faults: Faults;
  readonly notify: (notice: Notice) => void;
  /** Ends the tunnel of a session for this reason, and counts it. */
  readonly endFor: (session: Session, reason: EndReason) => void;
  /** Other workers are asked for a device before anything is sent to it. */
  readonly settles: boolean;
  /** Bytes of the largest packet inside. */
  readonly mtu: number;
  /** As `WireGuardDriver.send`. */
  readonly send: (peer: number, buffer: Uint8Array, start: number, end: number) => boolean;
  /** What was sent leaves. */
  readonly afterTurn: () => void;
}

interface WireGuardSession extends LiveTunnel {
  readonly session: Session;
  admitted: Admitted;
  record: WireGuardPeer;
  /** Where it is to be begun with when this session is over, if that was said since it began. */
  place: Int32Array | undefined;
}

/** Whoever another worker has just asked about is on its way there for so long. */
const GOING_US = 150_000;

const rankOf = ({ site, metric = 0 }: WireGuardPeer): number | undefined => (site === undefined ? undefined : metric);

/**
 * Devices connected by WireGuard. One becomes a session of the data plane with what nobody can replay: the first message under
 * new keys, or its answer to an initiation of ours; never with its own initiation. It stays it through all keys that follow,
 * until there were none for 540 s or it is ended.
 */
export class WireGuardSessions implements TunnelHolder {
  readonly #parts: WireGuardSessionsParts;
  /** By the numbers of their peers. */
  readonly #live = new Map<number, WireGuardSession>();
  readonly sites: SiteWatch;

  constructor(parts: WireGuardSessionsParts) {
    this.#parts = parts;
    const { tenants, notify, afterTurn } = parts;
    this.sites = new SiteWatch({ tenants, notify, afterTurn, renew: (...peer) => parts.core().renewPeer(...peer) });
  }

  /** Devices that are here: who has moved is counted where its newer session is. */
  get size(): number {
    let size = 0;
    for (const { session } of this.#live.values()) if (!session.hasMoved) size++;
    return size;
  }

  live(): Iterable<WireGuardSession> {
    return [...this.#live.values()];
  }

  /** As `WireGuardSink.confirmed` and `answered`. */
  isHere(peer: Peer): void {
    const live = this.#live.get(peer.number);
    if (live?.session.hasMoved === false) return;
    // It came back while its former session was still there for what was under way.
    if (live !== undefined) this.#leave(peer.number, live, 'the device has a newer session');
    const known = this.#parts.peers().get(peer.number);
    if (known !== undefined) this.#attach(peer, known);
  }

  #attach(peer: Peer, { admitted, record }: KnownPeer): void {
    const { tenants, forwarder, settles, mtu, send, notify, core } = this.#parts;
    const { number } = peer;
    const session = new Session(
      { ...admitted, rank: rankOf(record) },
      { mtu: () => mtu, send: (buffer, start, end) => send(number, buffer, start, end) },
    );
    session.isNarrow = true;
    if (isOfSite(record)) this.sites.begin(peer, session, record);
    if (settles) settleSoon(session, forwarder);
    tenants.attach(session);
    const live: WireGuardSession = {
      ...{ session, admitted, record, place: undefined },
      end: (reason) => this.#end(peer, live, reason),
    };
    this.#live.set(number, live);
    // Only where the device is may keep its way open.
    if (record.keepaliveSeconds !== undefined) core().setPersistentKeepalive(peer, record.keepaliveSeconds);
    const { tenant, device, ipv4, ipv6 } = admitted;
    notify({ type: 'connected', tenant, device, ipv4, ipv6, isWireGuard: true });
    this.sites.attached(number);
  }

  /** As `WireGuardSink.packets`. */
  packets(buffer: Uint8Array, words: Int32Array, count: number): void {
    const { forwarder, faults } = this.#parts;
    for (let i = 0; i < count; i++) {
      const at = i * PACKET_WORDS;
      const live = this.#live.get(words[at + P_PEER] as number);
      if (live === undefined) continue;
      const start = words[at + P_OFFSET] as number;
      try {
        forwarder.fromSession(live.session, buffer, start, start + (words[at + P_LENGTH] as number));
      } catch (error) {
        faults.note('packet', error);
      }
    }
  }

  /** As `WireGuardSink.expired`. */
  expired(peer: Peer): void {
    const live = this.#live.get(peer.number);
    live?.end('nothing came from it for nine minutes');
  }

  /** The key of ours that it came by is no more. */
  endedByKey(number: number): void {
    this.#live.get(number)?.end('the key of the edge that it came by was taken away');
  }

  /** A peer is none any more. */
  gone(number: number, reason: EndReason): void {
    const live = this.#live.get(number);
    if (live !== undefined) this.#parts.endFor(live.session, reason);
    this.sites.forget(number);
  }

  /** A record of the same peer says something else of it: that counts at once, and its session goes on. */
  changed({ peer, record, admitted }: KnownPeer, before: WireGuardPeer): void {
    if (peer === undefined) return;
    const changes = changesOf(before, record);
    const live = this.#live.get(peer.number);
    if (live === undefined) {
      if (changes.isOtherPlace || changes.isOtherKeepalive) this.#rest(peer, record, changes.place);
      return;
    }
    live.record = record;
    live.admitted = admitted;
    // Where it was heard last is nearer to the truth, for as long as it is heard.
    if (changes.isOtherPlace) live.place = changes.place;
    if (changes.isOtherRight || changes.isOtherSite) this.#change(peer, live, before, changes);
    if (changes.isOtherKeepalive && !live.session.hasMoved)
      this.#parts.core().setPersistentKeepalive(peer, record.keepaliveSeconds ?? 0);
  }

  #change(
    peer: Peer,
    { session, admitted, record }: WireGuardSession,
    before: WireGuardPeer,
    changes: RecordChanges,
  ): void {
    const { sources, egress } = admitted;
    if (changes.isOtherSite) {
      session.rank = rankOf(record);
      this.sites.change(peer, session, before, record);
    }
    this.#parts.tenants.change(session, { sources, egress, rank: session.rank });
    if (changes.isOtherProbe) this.sites.attached(peer.number);
  }

  /** Whether a peer is here, and has not come to another worker since. */
  isServed(number: number): boolean {
    return this.#live.get(number)?.session.hasMoved === false;
  }

  /** Of the peers that are here. */
  numbers(): number[] {
    return [...this.#live.keys()];
  }

  /**
   * These are to go where routes lead: what they answer to this shows it to the worker there. Whoever has gone, or was just seen
   * there, is asked no more: one more session with us would end the one that it makes with that worker.
   */
  renew(numbers: readonly number[], now: number): void {
    for (const number of numbers) {
      if (!this.isServed(number)) continue;
      const peer = this.#parts.peers().get(number)?.peer;
      if (peer !== undefined && now - peer.vouchedForAt >= GOING_US) this.#parts.core().renewPeer(peer, now);
    }
  }

  /** All are ended, as when others have taken them over. */
  endAll(reason: string): void {
    for (const { end } of this.live()) end(reason);
  }

  /** Its keys are wiped: what still comes by them is that of a session which is not here. */
  #end(peer: Peer, live: WireGuardSession, reason: string): void {
    if (this.#live.get(peer.number) !== live) return;
    this.#leave(peer.number, live, reason);
    this.#parts.core().resetPeer(peer);
    this.#rest(peer, live.record, live.place);
  }

  /** It is not here: the worker begins with it, or does not. @param place undefined: where it was heard last */
  #rest(peer: Peer, record: WireGuardPeer, place: Int32Array | undefined): void {
    const { core, peers } = this.#parts;
    if (place !== undefined) core().setEndpoint(peer, place);
    core().setPersistentKeepalive(peer, peers().restingKeepalive(record));
  }

  #leave(number: number, { session, admitted }: WireGuardSession, reason: string): void {
    this.#live.delete(number);
    this.sites.end(number);
    this.#parts.tenants.detach(session);
    const { tenant, device } = admitted;
    this.#parts.notify({ type: 'disconnected', tenant, device, reason });
  }
}
