import { isDeepStrictEqual } from 'node:util';
import { NO_ROUTING, type RoutedNeighbor, type WorkerRouting } from '#model/routing.ts';
import { advertisementTo } from '#pop-worker/routing/anycast/advertisement.ts';
import type { BgpThread } from '#pop-worker/routing/bgp/bgp-thread.ts';
import { reachableAddress } from '#pop-worker/routing/bgp/link-address.ts';
import type { BgpNotice, RoutesChange } from '#pop-worker/routing/bgp/messages.ts';
import type { OwnEdit } from '#pop-worker/routing/bgp/own-export.ts';
import type { Announcement } from '#protocol/anycast/announcer.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { FoundNeighbour } from '../bgp/questions.ts';
import { communitiesOf, neighbourConfigOf, routesFor } from './neighbor-config.ts';

/** A neighbour whose settings cannot be had here, such as an interface that is not there, is tried again after so long. */
const RETRY_MS = 10_000;

interface Known {
  readonly routed: RoutedNeighbor;
  /** As the BGP thread has it; undefined: it was not tried there yet. */
  there: { readonly id: number } | undefined;
  isEstablished: boolean;
  /** Why it has no session. */
  refusal: string | undefined;
}

/** A neighbour that is wanted, and why it is none. */
export interface RefusedNeighbor {
  readonly name: string;
  readonly address: string;
  readonly reason: string;
}

type Told = Extract<BgpNotice, { id: number }>;

export interface NeighborsParts {
  readonly thread: Pick<BgpThread, 'add' | 'post'>;
  /** RFC 4271 §1.1. */
  readonly identifier: number;
  readonly passwords: ReadonlyMap<string, Uint8Array>;
  /** Whether who connects there comes to ourselves. @param address of `reachableAddress` */
  readonly isOwn: (address: string) => boolean;
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
  #retry: NodeJS.Timeout | undefined;
  /** As the BGP thread has them. */
  #policies: WorkerRouting['policies'] = NO_ROUTING.policies;
  #announcement: Announcement = { isAnnounced: false, preference: 0, isLeaving: false };
  /** Undefined: all that are wanted. */
  #only: ReadonlySet<string> | undefined;

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

  get names(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** @param name of one that is wanted */
  find(name: unknown): FoundNeighbour | undefined {
    const known = [...this.#known.values()].find(({ routed }) => routed.id === name);
    return known && { name: known.routed.id, id: known.there?.id, refusal: known.refusal };
  }

  get refused(): readonly RefusedNeighbor[] {
    return [...this.#known.values()].flatMap(({ routed, refusal }) => {
      return refusal === undefined ? [] : [{ name: routed.id, address: routed.address, reason: refusal }];
    });
  }

  close(): void {
    clearTimeout(this.#retry);
  }

  /** What is other than before is changed; sessions whose settings stay go on. */
  set(routing: WorkerRouting): void {
    this.#routing = routing;
    const wanted = new Map(routing.neighbors.map((neighbor) => [neighbor.id, neighbor]));
    for (const [id, known] of this.#known) {
      const next = wanted.get(id);
      const changed = next && newSessionFor(known.routed, next);
      if (next !== undefined && changed?.length === 0) this.#goOn(known, next);
      else this.#end(known, changed);
    }
    this.#police(routing);
    for (const neighbor of wanted.values()) if (!this.#known.has(neighbor.id)) this.#add(neighbor);
    this.#originate();
  }

  /** The session stays. */
  #goOn(known: Known, next: RoutedNeighbor): void {
    const { bfd } = next;
    const isSame = isDeepStrictEqual(known.routed.bfd, bfd);
    this.#known.set(next.id, { ...known, routed: next });
    if (isSame || known.there === undefined) return;
    this.#parts.thread.post({ type: 'bfd', id: known.there.id, bfd });
    this.#parts.log.info('BFD with a BGP neighbour is another, its session stays', {
      ...{ neighbor: next.id, bfd: bfd ?? 'none' },
    });
  }

  /** @param changed settings that it is to have other than before; undefined: it is a neighbour no more */
  #end({ routed, there, isEstablished }: Known, changed: readonly string[] | undefined): void {
    const { thread, log } = this.#parts;
    this.#known.delete(routed.id);
    if (there === undefined) return;
    thread.post({ type: 'remove', id: there.id, isChanged: changed !== undefined });
    const fields = { neighbor: routed.id, wasEstablished: isEstablished };
    if (changed === undefined) log.info('a BGP neighbour is removed', fields);
    else
      (isEstablished ? log.warn : log.info)('a BGP session ends, for a new one by other settings', {
        ...fields,
        changed,
      });
  }

  /** With the policies change those who have them: none ever has one that there is not. */
  #police({ policies }: WorkerRouting): void {
    if (isDeepStrictEqual(policies, this.#policies)) {
      this.#tell();
      return;
    }
    this.#policies = policies;
    this.#parts.thread.post({ type: 'policies', policies, changes: this.#changes() });
  }

  /** What each neighbour that the BGP thread has is to give and to be given now. */
  #changes(): RoutesChange[] {
    return [...this.#known.values()].flatMap(({ routed, there }) =>
      there === undefined ? [] : [{ id: there.id, routes: routesFor(routed, this.#editFor(routed)) }],
    );
  }

  #tell(): void {
    for (const change of this.#changes()) this.#parts.thread.post({ type: 'change', ...change });
  }

  /** @param only of the prefixes that are wanted, these and no others; undefined: all */
  announce(announcement: Announcement, only?: ReadonlySet<string>): void {
    this.#announcement = announcement;
    this.#only = only;
    // How it is told is said before it is announced, and no more when it no longer is.
    if (announcement.isAnnounced) this.#tell();
    this.#originate();
  }

  take(notice: Told): void {
    const known = [...this.#known.values()].find(({ there }) => there?.id === notice.id);
    if (known === undefined) return;
    const { log } = this.#parts;
    const neighbor = known.routed.id;
    switch (notice.type) {
      case 'changed':
        known.refusal = undefined;
        known.isEstablished = notice.to === 'established';
        if (known.isEstablished) log.info('a BGP session is established', { neighbor });
        return;
      case 'ended':
        known.isEstablished = false;
        (notice.wasEstablished ? log.warn : log.debug)('a BGP connection ended', { neighbor, reason: notice.text });
        return;
      case 'refused':
        this.#refuse(known, notice.message);
        return;
      case 'unreachable':
        log.warn('a BGP neighbour cannot be connected to', { neighbor, reason: notice.text });
        return;
      case 'held_back':
        log.warn('a BGP neighbour is held back', { neighbor, seconds: notice.seconds });
        return;
      case 'no_next_hop':
        log.warn('a BGP neighbour is not told routes: there is no next hop', { neighbor, families: notice.families });
        return;
      case 'bfd_trouble':
        log.warn('a BGP neighbour has no BFD', { neighbor, reason: notice.message });
        return;
      case 'faulty':
        log.warn('a BGP neighbour sent a faulty update', { neighbor, reason: notice.text });
    }
  }

  #add(routed: RoutedNeighbor): void {
    const known: Known = { routed, there: undefined, isEstablished: false, refusal: undefined };
    this.#known.set(routed.id, known);
    this.#try(known);
  }

  #try(known: Known): void {
    const { thread, identifier, passwords, isOwn } = this.#parts;
    const { routed } = known;
    const { address, passwordName } = routed;
    const password = passwordName === undefined ? undefined : passwords.get(passwordName);
    const reachable = reachableAddress(address);
    // Without the password it would be a session that anybody on the way can end.
    if (passwordName !== undefined && password === undefined) {
      this.#refuse(known, `[bgp] passwords has no ${JSON.stringify(passwordName)}`);
    } else if (reachable === undefined) {
      this.#refuse(known, `this machine has no interface ${JSON.stringify(address.split('%')[1])}`);
    } else if (isOwn(reachable)) {
      this.#refuse(known, `${address} is an address of this machine: the worker would connect to itself`);
    } else {
      const config = neighbourConfigOf(routed, reachable, identifier, password, this.#editFor(routed));
      known.there = { id: thread.add(config) };
    }
  }

  /** It is said once, and shown as long as it is so. */
  #refuse(known: Known, reason: string): void {
    const { log } = this.#parts;
    if (known.refusal !== reason) log.error('a BGP neighbour is refused', { neighbor: known.routed.id, reason });
    known.refusal = reason;
    known.there = undefined;
    this.#retry ??= setTimeout(() => this.#tryAgain(), RETRY_MS).unref();
  }

  #tryAgain(): void {
    this.#retry = undefined;
    for (const known of this.#known.values()) if (known.refusal !== undefined) this.#try(known);
  }

  #editFor(routed: RoutedNeighbor): OwnEdit {
    const { med, medAdded, prepend, communities } = advertisementTo(routed, this.#announcement);
    return { med, medAdded, prepend, ...communitiesOf(communities) };
  }

  /** What is withdrawn is withdrawn first. */
  #originate(): void {
    const { thread, outside } = this.#parts;
    const { isAnnounced } = this.#announcement;
    const plain = outside.map((prefix) => ({ prefix, communities: [] }));
    const prefixes = isAnnounced ? [...plain, ...(this.#routing?.prefixes ?? [])] : [];
    const told = prefixes.filter(({ prefix }) => this.#only?.has(prefix) !== false);
    const wanted = new Map(told.map((routed) => [routed.prefix, routed]));
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

/** Which routes are taken and told, how many, and how the path is watched can change while a session goes on. */
const LIVE: ReadonlySet<string> = new Set([
  ...(['bfd', 'communities', 'exportPolicy', 'importPolicy', 'maxPrefixes', 'med', 'prepend'] as const),
] satisfies (keyof RoutedNeighbor)[]);

/** What was agreed on in the OPEN (RFC 4271 §4.2), or is of the TCP connection: names of settings that differ. */
const newSessionFor = (one: RoutedNeighbor, other: RoutedNeighbor): string[] => {
  const names = Object.keys(one) as (keyof RoutedNeighbor)[];
  return names.filter((name) => !LIVE.has(name) && !isDeepStrictEqual(one[name], other[name]));
};
