import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { P_LENGTH, P_OFFSET, P_PEER, PACKET_WORDS } from '#protocol/wireguard/options.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import type { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Notice } from '../commands.ts';
import type { EndReason, LiveTunnel, TunnelHolder } from '../endings.ts';
import type { Faults } from '../faults.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import { Session } from '../forward/session.ts';
import { settleSoon } from '../forward/settle-soon.ts';
import type { TenantTable } from '../forward/tenant-table.ts';
import type { KnownPeer, PeerBook } from './peer-book.ts';
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
}

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
    const { metric = 0, site } = record;
    const session = new Session(
      { ...admitted, rank: site === undefined ? undefined : metric },
      { mtu: () => mtu, send: (buffer, start, end) => send(number, buffer, start, end) },
    );
    session.isNarrow = true;
    if (isOfSite(record)) this.sites.begin(peer, session, record);
    if (settles) settleSoon(session, forwarder);
    tenants.attach(session);
    const live: WireGuardSession = { session, admitted, end: (reason) => this.#end(peer, live, reason, record) };
    this.#live.set(number, live);
    // Only where the device is may keep its way open.
    if (record.keepaliveSeconds !== undefined) core().setPersistentKeepalive(peer, record.keepaliveSeconds);
    const { tenant, device, ipv4, ipv6 } = admitted;
    notify({ type: 'connected', tenant, device, ipv4, ipv6 });
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
  gone(number: number): void {
    const live = this.#live.get(number);
    if (live !== undefined) this.#parts.endFor(live.session, 'revoked');
    this.sites.forget(number);
  }

  /** Whether a peer is here, and has not come to another worker since. */
  isServed(number: number): boolean {
    return this.#live.get(number)?.session.hasMoved === false;
  }

  /** Of the peers that are here. */
  numbers(): number[] {
    return [...this.#live.keys()];
  }

  /** These are to go where routes lead: what they answer to this shows it to the worker there. */
  renew(numbers: readonly number[], now: number): void {
    for (const number of numbers) {
      if (!this.#live.has(number)) continue;
      const peer = this.#parts.peers().get(number)?.peer;
      if (peer !== undefined) this.#parts.core().renewPeer(peer, now);
    }
  }

  /** All are ended, as when others have taken them over. */
  endAll(reason: string): void {
    for (const { end } of this.live()) end(reason);
  }

  /** Its keys are wiped: what still comes by them is that of a session which is not here. */
  #end(peer: Peer, live: WireGuardSession, reason: string, record: WireGuardPeer): void {
    if (this.#live.get(peer.number) !== live) return;
    this.#leave(peer.number, live, reason);
    const { core, peers } = this.#parts;
    core().resetPeer(peer);
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
