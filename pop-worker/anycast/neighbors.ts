import type { RoutedNeighbor, WorkerRouting } from '#model/routing.ts';
import { advertisementTo } from '#pop-worker/routing/anycast/advertisement.ts';
import type { BgpThread } from '#pop-worker/routing/bgp/bgp-thread.ts';
import type { BgpNotice } from '#pop-worker/routing/bgp/messages.ts';
import type { OwnEdit } from '#pop-worker/routing/bgp/own-export.ts';
import type { BgpNeighbourConfig } from '#pop-worker/routing/bgp/setup.ts';
import type { Announcement } from '#protocol/anycast/announcer.ts';
import type { Logger } from '#telemetry/logger.ts';
import { communitiesOf, neighbourConfigOf } from './neighbor-config.ts';

interface Known {
  readonly routed: RoutedNeighbor;
  readonly id: number;
  readonly config: BgpNeighbourConfig;
  isEstablished: boolean;
}

type Told = Extract<BgpNotice, { id: number }>;

export interface NeighborsParts {
  readonly thread: Pick<BgpThread, 'add' | 'post'>;
  /** RFC 4271 §1.1. */
  readonly identifier: number;
  readonly passwords: ReadonlyMap<string, Uint8Array>;
  /** Outside addresses of devices: announced with the anycast prefixes, whatever routing says. */
  readonly outside: readonly string[];
  readonly log: Logger;
}

/** The BGP neighbours of a worker as its routing has them, and what they are told of its prefixes. */
export class Neighbors {
  readonly #parts: NeighborsParts;
  readonly #known = new Map<string, Known>();
  /** Prefixes that begin here. */
  readonly #originated = new Set<string>();
  #routing: WorkerRouting | undefined;
  #announcement: Announcement = { isAnnounced: false, preference: 0, isLeaving: false };

  constructor(parts: NeighborsParts) {
    this.#parts = parts;
  }

  /** Sessions that are established. */
  get established(): number {
    return [...this.#known.values()].filter(({ isEstablished }) => isEstablished).length;
  }

  get size(): number {
    return this.#known.size;
  }

  /** What is other than before is changed; sessions whose settings stay go on. */
  set(routing: WorkerRouting): void {
    this.#routing = routing;
    const wanted = new Map(routing.neighbors.map((neighbor) => [neighbor.id, neighbor]));
    for (const [id, known] of this.#known) {
      const next = wanted.get(id);
      if (next !== undefined && isSameSession(known.routed, next)) continue;
      this.#parts.thread.post({ type: 'remove', id: known.id });
      this.#known.delete(id);
    }
    for (const neighbor of wanted.values()) {
      const known = this.#known.get(neighbor.id);
      if (known === undefined) this.#add(neighbor);
      else this.#known.set(neighbor.id, { ...known, routed: neighbor });
    }
    this.#tell();
  }

  announce(announcement: Announcement): void {
    this.#announcement = announcement;
    this.#tell();
  }

  take(notice: Told): void {
    const known = [...this.#known.values()].find(({ id }) => id === notice.id);
    if (known === undefined) return;
    const { log } = this.#parts;
    const neighbor = known.routed.id;
    switch (notice.type) {
      case 'changed':
        known.isEstablished = notice.to === 'established';
        if (known.isEstablished) log.info('a BGP session is established', { neighbor });
        return;
      case 'ended':
        known.isEstablished = false;
        (notice.wasEstablished ? log.warn : log.debug)('a BGP connection ended', { neighbor, reason: notice.text });
        return;
      case 'refused':
        log.error('a BGP neighbour is refused', { neighbor, reason: notice.message });
        return;
      case 'held_back':
        log.warn('a BGP neighbour is held back', { neighbor, seconds: notice.seconds });
        return;
      case 'bfd_trouble':
        log.warn('a BGP neighbour has no BFD', { neighbor, reason: notice.message });
        return;
      case 'faulty':
        log.warn('a BGP neighbour sent a faulty update', { neighbor, reason: notice.text });
    }
  }

  #add(routed: RoutedNeighbor): void {
    const { thread, identifier, passwords, log } = this.#parts;
    const { id: neighbor, passwordName } = routed;
    const password = passwordName === undefined ? undefined : passwords.get(passwordName);
    if (passwordName !== undefined && password === undefined) {
      // Without the password it would be a session that anybody on the way can end.
      log.error('a BGP neighbour is refused', {
        neighbor,
        reason: `[bgp] passwords has no ${JSON.stringify(passwordName)}`,
      });
      return;
    }
    const config = neighbourConfigOf(routed, identifier, password, this.#editFor(routed));
    this.#known.set(neighbor, { routed, id: thread.add(config), config, isEstablished: false });
  }

  #editFor(routed: RoutedNeighbor): OwnEdit {
    const { med, prepend, communities } = advertisementTo(routed, this.#announcement);
    return { med, prepend, ...communitiesOf(communities) };
  }

  /** What is withdrawn is withdrawn first; how it is told is said before it is announced. */
  #tell(): void {
    const { thread, outside } = this.#parts;
    const { isAnnounced } = this.#announcement;
    const plain = outside.map((prefix) => ({ prefix, communities: [] }));
    const prefixes = isAnnounced ? [...plain, ...(this.#routing?.prefixes ?? [])] : [];
    if (isAnnounced) {
      for (const { id, routed, config } of this.#known.values())
        thread.post({ type: 'change', id, routes: { ...config.routes, edit: this.#editFor(routed) } });
    }
    const wanted = new Map(prefixes.map((routed) => [routed.prefix, routed]));
    for (const prefix of this.#originated) {
      if (wanted.has(prefix)) continue;
      thread.post({ type: 'withdraw', prefix });
      this.#originated.delete(prefix);
    }
    for (const { prefix, communities } of wanted.values()) {
      thread.post({ type: 'originate', origin: { prefix, ...communitiesOf(communities) } });
      this.#originated.add(prefix);
    }
  }
}

/** What of a neighbour is told over its session can change while that goes on. */
const isSameSession = (one: RoutedNeighbor, other: RoutedNeighbor): boolean => {
  const session = ({ prepend: _, med: __, communities: ___, ...rest }: RoutedNeighbor): string => JSON.stringify(rest);
  return session(one) === session(other);
};
