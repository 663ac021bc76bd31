/** A RIB with neighbours, and stations that watch it. */
import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import type { RibWatcher } from '#protocol/bgp/rib/family-rib.ts';
import { LOCAL_AS, newRib, Peer, type PeerSettings } from '#protocol/bgp/rib/testing/peers.ts';
import { NO_CAPABILITIES } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { MAX_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { writeOpen } from '#protocol/bgp/wire/open.ts';
import { BmpFeed, type FeedSettings, LARGEST_MESSAGE_BYTES, VIEWS } from '../feed.ts';
import type { BmpPeer } from '../peer.ts';
import { NO_TIME } from '../wire/header.ts';
import { Station } from './station.ts';

export const SETTINGS: FeedSettings = {
  ...{ views: VIEWS, sysName: 'edge', sysDescr: 'a speaker', as: LOCAL_AS, identifier: 1, clusterId: 1 },
  mostBytes: 1 << 20,
};

const openOf = (as: number, pathIdFamilies: readonly number[]): Uint8Array => {
  const addPath = pathIdFamilies.map((family) => ({ family, receives: true, sends: true }));
  const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
  const capabilities = { ...NO_CAPABILITIES, families: Object.values(Family), fourOctetAs: as, addPath };
  return buffer.slice(0, writeOpen(buffer, 0, { as, identifier: 9, holdTimeS: 90, capabilities }));
};

/** One station, with what it heard. */
export class Watched {
  readonly feed: BmpFeed;
  readonly station = new Station();
  readonly #out = new Uint8Array(LARGEST_MESSAGE_BYTES + 1000);

  constructor(feed: BmpFeed) {
    this.feed = feed;
  }

  /** Hears all that there is. */
  read(): Station {
    for (let bytes = this.feed.poll(this.#out); bytes > 0; bytes = this.feed.poll(this.#out))
      this.station.take(this.#out.subarray(0, bytes));
    return this.station;
  }
}

export class Scene implements RibWatcher {
  readonly rib = newRib();
  readonly watched: Watched[] = [];
  readonly #peers = new Map<number, BmpPeer>();
  readonly #members = new Map<number, Peer>();

  constructor() {
    for (const family of this.rib.families) family.watcher = this;
  }

  watch(settings: Partial<FeedSettings> = {}): Watched {
    const peers = [...this.#peers.values()];
    const feed = new BmpFeed(
      this.rib,
      { ...SETTINGS, ...settings },
      peers,
      (i, slot) => this.rib.memberOf(i, slot),
      NO_TIME,
    );
    const watched = new Watched(feed);
    this.watched.push(watched);
    return watched;
  }

  /** A neighbour at 192.0.2.LAST. */
  peer(last: number, settings: PeerSettings, pathIdFamilies: readonly number[] = []): Peer {
    const peer = new Peer(this.rib, { address: Uint8Array.of(192, 0, 2, last), ...settings });
    peer.session = { ...peer.session, rules: { ...peer.session.rules, pathIdFamilies } };
    this.up(peer);
    return peer;
  }

  up(peer: Peer): void {
    peer.up();
    const { as, address } = peer.settings;
    const one: BmpPeer = {
      ...{ index: peer.index, address, as, localAddress: Uint8Array.of(192, 0, 2, 254), localPort: 179, remotePort: 0 },
      sentOpen: openOf(LOCAL_AS, peer.session.rules.pathIdFamilies),
      receivedOpen: openOf(as, peer.session.rules.pathIdFamilies),
      negotiated: peer.session as unknown as Negotiated,
      treatedAsWithdraw: 0,
    };
    this.#peers.set(peer.index, one);
    this.#members.set(peer.index, peer);
    for (const { feed } of this.watched) feed.peerUp(one, NO_TIME);
  }

  down(peer: Peer): void {
    const one = this.#peers.get(peer.index) as BmpPeer;
    this.#peers.delete(peer.index);
    for (const { feed } of this.watched) feed.peerLost(peer.index);
    peer.down();
    for (const { feed } of this.watched)
      feed.peerDown(one, { cause: 'connection', isSent: false, notification: undefined }, NO_TIME);
  }

  /** Neighbours are told what they are to be told, and stations hear of it. */
  tell(): void {
    const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
    for (const { index } of this.#peers.values()) {
      for (let bytes = this.rib.nextUpdate(index, buffer, 0); bytes > 0; bytes = this.rib.nextUpdate(index, buffer, 0))
        for (const { feed } of this.watched) feed.told(index, buffer, 0, bytes);
    }
  }

  changed(slot: number, path: number): void {
    for (const { feed } of this.watched) feed.changed(slot, path);
  }

  gone(slot: number, path: number): void {
    for (const { feed } of this.watched) feed.gone(slot, path);
  }

  best(slot: number, destination: number): void {
    for (const { feed } of this.watched) feed.best(slot, destination);
  }
}
