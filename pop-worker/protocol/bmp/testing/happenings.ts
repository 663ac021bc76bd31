/** What neighbours, policies and stations do, as bytes say: so that a feed is tried on what nobody has thought of. */
import assert from 'node:assert/strict';
import { ACCEPT_ALL } from '#protocol/bgp/rib/route-policy.ts';
import type { Peer } from '#protocol/bgp/rib/testing/peers.ts';
import { NO_TIME } from '../wire/header.ts';
import { Scene, type Watched } from './scene.ts';
import { odd, tablesOf } from './tables.ts';

/** Stations at most: what there is is told to each. */
const MOST_STATIONS = 4;
/** What one happening can make a feed hold on to: a message for each family, table and session, and what neighbours are told. */
const MOST_BYTES_EACH = 8192;

/** By the lower four bits of a byte; those above say of which neighbour. Each has one more byte for what. */
const Happening = {
  announce: 0,
  withdraw: 1,
  flap: 2,
  read: 3,
  policy: 4,
  tell: 5,
  watch: 6,
  statistics: 7,
  announceIpv6: 8,
  withdrawIpv6: 9,
  announceMany: 10,
  withdrawMany: 11,
  announceLong: 12,
} as const;

const MANY = 40;
/** As many as neighbours can still be told of in 4096 bytes. */
const MOST_COMMUNITIES = 980;
const NEXT_HOP = '198.51.100.1';
const NEXT_HOP_IPV6 = '2001:db8::9';

export class Happenings {
  readonly scene = new Scene();
  readonly first: Watched;
  readonly #peers: readonly Peer[];
  #count = 0;

  constructor() {
    this.first = this.scene.watch();
    this.#peers = [
      this.scene.peer(1, { as: 64_500, importPolicy: odd(this.scene) }),
      this.scene.peer(2, { as: 64_502 }),
    ];
  }

  /** Lets all of it happen, then has all stations read what there is. */
  run(bytes: Uint8Array): void {
    for (let at = 0; at + 1 < bytes.length; at += 2) this.#one(bytes[at] as number, bytes[at + 1] as number);
    this.scene.tell();
    for (const watched of this.scene.watched) watched.read();
  }

  /** @returns by table, what is in the RIB and what a station knows */
  known(watched: Watched): { readonly found: Record<string, string[]>; readonly meant: Record<string, string[]> } {
    const tables = ['1 pre', '1 post', '2 pre', '2 post'].map((name) => `192.0.2.${name}`);
    const names = [...tables, 'loc', '192.0.2.1 out', '192.0.2.2 out'];
    const indexes = this.#peers.map(({ index }) => index);
    const meant = tablesOf(this.scene, indexes);
    const ofIpv4 = (table: string[]): string[] => table.filter((line) => !line.startsWith('2001:'));
    return {
      found: Object.fromEntries(names.map((name) => [name, ofIpv4(watched.station.table(name))])),
      meant: Object.fromEntries(names.map((name, i) => [name, meant[i] as string[]])),
    };
  }

  #one(what: number, which: number): void {
    const { scene } = this;
    const peer = this.#peers[(what >> 4) & 1] as Peer;
    const path = [peer.settings.as, 1 + (which >> 4)];
    const prefix = `10.${which & 7}.0.0/16`;
    const ipv6 = `2001:db8:${which & 7}::/48`;
    const many = Array.from({ length: MANY }, (_, i) => `10.${64 + (which & 1)}.${i}.0/24`);
    switch (what & 15) {
      case Happening.announce:
        peer.announce({ origin: 0, path, nextHop: NEXT_HOP }, prefix);
        break;
      case Happening.withdraw:
        peer.withdraw(prefix);
        break;
      case Happening.flap:
        scene.down(peer);
        scene.up(peer);
        break;
      case Happening.read:
        scene.watched[which % scene.watched.length]?.read();
        break;
      case Happening.policy:
        peer.change({ importPolicy: which % 2 === 0 ? odd(scene) : ACCEPT_ALL });
        break;
      case Happening.tell:
        scene.tell();
        break;
      case Happening.watch:
        if (scene.watched.length < MOST_STATIONS) scene.watch();
        break;
      case Happening.statistics:
        for (const { feed } of scene.watched) feed.statistics(NO_TIME);
        break;
      case Happening.announceIpv6:
        peer.announce({ origin: 0, path, nextHop: NEXT_HOP_IPV6 }, ipv6);
        break;
      case Happening.withdrawIpv6:
        peer.withdraw(ipv6);
        break;
      case Happening.announceMany:
        peer.announce({ origin: 0, path, nextHop: NEXT_HOP }, ...many);
        break;
      case Happening.withdrawMany:
        peer.withdraw(...many);
        break;
      case Happening.announceLong: {
        const communities = Array.from(
          { length: Math.min(1 + 4 * which, MOST_COMMUNITIES) },
          (_, i) => 64_500 * 65_536 + i,
        );
        peer.announce({ origin: 0, path, nextHop: NEXT_HOP, communities }, prefix);
        break;
      }
      default:
        return;
    }
    this.#count++;
    for (const { feed } of scene.watched) {
      assert.ok(feed.waitingBytes <= (this.#count + 4) * MOST_BYTES_EACH, `${feed.waitingBytes} bytes wait`);
    }
  }
}
