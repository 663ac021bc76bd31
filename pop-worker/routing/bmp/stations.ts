import { isDeepStrictEqual } from 'node:util';
import type { Ending } from '#protocol/bgp/fsm/ending.ts';
import type { RibWatcher } from '#protocol/bgp/rib/family-rib.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import { BmpFeed } from '#protocol/bmp/feed.ts';
import type { BmpPeer } from '#protocol/bmp/peer.ts';
import { timeNow } from '../bgp/monitored.ts';
import type { BgpRoutesConfig } from '../bgp/setup.ts';
import { BmpMetrics } from './bmp-metrics.ts';
import type { BmpStationConfig, BmpStationStatus } from './setup.ts';
import { Station } from './station.ts';

/** All monitoring stations; whatever happens in the tables goes to each that is connected. */
export class BmpStations implements RibWatcher {
  readonly #rib: Rib;
  readonly #routes: BgpRoutesConfig;
  readonly #metrics: BmpMetrics;
  readonly #trouble: (name: string, text: string) => void;
  /** Neighbours whose sessions are there, by index. */
  readonly #peers = new Map<number, BmpPeer>();
  #stations: Station[] = [];

  /** @param slots one block of `telemetry/slots.ts` @param trouble is told of sessions that end */
  constructor(slots: Float64Array, rib: Rib, routes: BgpRoutesConfig, trouble: (name: string, text: string) => void) {
    this.#rib = rib;
    this.#routes = routes;
    this.#metrics = new BmpMetrics(slots);
    this.#trouble = trouble;
  }

  /** Whether one is connected. */
  get isListening(): boolean {
    return this.#stations.some(({ feed }) => feed !== undefined);
  }

  /** Takes these in place of those that there were; one that is the same goes on. */
  set(configs: readonly BmpStationConfig[]): void {
    const before = this.#stations;
    this.#stations = configs.map(
      (config) => before.find((one) => isDeepStrictEqual(one.config, config)) ?? this.#new(config),
    );
    for (const station of before) if (!this.#stations.includes(station)) station.stop();
    this.#moved();
  }

  status(): BmpStationStatus[] {
    return this.#stations.map((station) => station.status());
  }

  close(): void {
    this.set([]);
  }

  up(peer: BmpPeer): void {
    this.#peers.set(peer.index, peer);
    this.#each((feed) => feed.peerUp(peer, timeNow()));
  }

  /** Its session has ended; why comes with `down`, once its routes are gone. */
  lost(index: number): void {
    this.#each((feed) => feed.peerLost(index));
  }

  down(index: number, ending: Ending): void {
    const peer = this.#peers.get(index);
    this.#peers.delete(index);
    if (peer !== undefined) this.#each((feed) => feed.peerDown(peer, ending, timeNow()));
  }

  /** An UPDATE of it was taken as a withdrawal. */
  treatedAsWithdraw(index: number): void {
    const peer = this.#peers.get(index);
    if (peer !== undefined) peer.treatedAsWithdraw++;
  }

  changed(slot: number, path: number): void {
    this.#each((feed) => feed.changed(slot, path));
  }

  gone(slot: number, path: number): void {
    this.#each((feed) => feed.gone(slot, path));
  }

  best(slot: number, destination: number): void {
    this.#each((feed) => feed.best(slot, destination));
  }

  told(index: number, buffer: Uint8Array, start: number, end: number): void {
    this.#each((feed) => feed.told(index, buffer, start, end));
  }

  #each(tell: (feed: BmpFeed) => void): void {
    for (const station of this.#stations) {
      if (station.feed === undefined) continue;
      tell(station.feed);
      station.wake();
    }
  }

  #new(config: BmpStationConfig): Station {
    return new Station(config, {
      feedOf: () => this.#feedOf(config),
      moved: () => this.#moved(),
      sent: (bytes) => this.#metrics.sent(bytes),
      ended: (_station, cause, text) => {
        this.#metrics.ended(cause);
        if (cause !== 'stopped') this.#trouble(config.name, text);
      },
    });
  }

  #feedOf({ views, sysName, sysDescr, mostBytes }: BmpStationConfig): BmpFeed {
    const { as = 0, identifier, clusterId } = this.#routes;
    // A Loc-RIB is told of as that of an AS.
    const known = as === 0 ? views.filter((view) => view !== 'loc-rib') : views;
    const settings = { views: known, sysName, sysDescr, mostBytes, as, identifier, clusterId };
    const memberOf = (index: number, slot: number) => this.#rib.memberOf(index, slot);
    return new BmpFeed(this.#rib, settings, [...this.#peers.values()], memberOf, timeNow());
  }

  /** Tables tell nobody while nobody is connected. */
  #moved(): void {
    this.#metrics.collect(this.#stations);
    const watcher = this.isListening ? this : undefined;
    for (const family of this.#rib.families) family.watcher = watcher;
  }
}
