/** What a RIB is to do, with maps and objects, and no thought of time or memory. */
import { Role } from '../../wire/capabilities/definition.ts';
import { Community } from '../../wire/communities.ts';
import { LOCAL_AS } from './peers.ts';
import { applyPolicy, type TestPolicy } from './policies.ts';
import type { Attributes } from './route.ts';

const OWN_IDENTIFIER = 1;
const HOPS = ['192.0.2.1', '2001:db8::1'];

export interface ModelPeer {
  readonly index: number;
  readonly as: number;
  /** Text, as it is compared. */
  readonly address: readonly number[];
  readonly identifier: number;
  readonly isClient: boolean;
  readonly isServed: boolean;
  readonly setsNextHop: boolean;
  readonly role: number | undefined;
  readonly takesStale: boolean;
  readonly takesPaths: boolean;
  importPolicy: TestPolicy;
  exportPolicy: TestPolicy;
  isUp: boolean;
}

interface ModelRoute {
  readonly peer: ModelPeer;
  readonly prefix: string;
  readonly pathId: number;
  readonly received: Attributes;
  isStale: boolean;
  isLongLived: boolean;
  isUnrefreshed: boolean;
}

interface Candidate {
  readonly peer: ModelPeer;
  readonly pathId: number;
  readonly attributes: Attributes;
}

const isIpv4 = (prefix: string): boolean => !prefix.includes(':');
const isFamily = (prefix: string, family: number): boolean => isIpv4(prefix) === (family === 0x0101);
const has = (attributes: Attributes, community: number): boolean =>
  attributes.communities?.includes(community) === true;

export class Model {
  readonly peers: ModelPeer[] = [];
  readonly costs = new Map<string, number>();
  readonly comparesAllMeds: boolean;
  #routes: ModelRoute[] = [];

  constructor(comparesAllMeds: boolean) {
    this.comparesAllMeds = comparesAllMeds;
  }

  announce(peer: ModelPeer, prefix: string, pathId: number, received: Attributes): void {
    this.withdraw(peer, prefix, pathId);
    this.#routes.push({ peer, prefix, pathId, received, isStale: false, isLongLived: false, isUnrefreshed: false });
  }

  withdraw(peer: ModelPeer, prefix: string, pathId: number): void {
    this.#drop((route) => route.peer === peer && route.prefix === prefix && route.pathId === pathId);
  }

  down(peer: ModelPeer, kept: readonly number[]): void {
    peer.isUp = false;
    const isKept = ({ prefix, isStale }: ModelRoute) => !isStale && kept.some((family) => isFamily(prefix, family));
    this.#drop((route) => route.peer === peer && !isKept(route));
    for (const route of this.#routes) if (route.peer === peer) route.isStale = true;
  }

  dropStale(peer: ModelPeer, family: number): void {
    this.#drop((route) => route.peer === peer && route.isStale && isFamily(route.prefix, family));
  }

  keepLongLived(peer: ModelPeer, family: number): void {
    const isMeant = (route: ModelRoute) => route.peer === peer && route.isStale && isFamily(route.prefix, family);
    this.#drop((route) => isMeant(route) && has(route.received, Community.noLlgr));
    for (const route of this.#routes) if (isMeant(route)) route.isLongLived = true;
  }

  refreshBegins(peer: ModelPeer, family: number): void {
    for (const route of this.#routes)
      if (route.peer === peer && isFamily(route.prefix, family)) route.isUnrefreshed = true;
  }

  refreshEnds(peer: ModelPeer, family: number): void {
    this.#drop((route) => route.peer === peer && route.isUnrefreshed && isFamily(route.prefix, family));
  }

  get size(): number {
    return this.#routes.length;
  }

  /** By prefix, in no order: what a peer is to have been told. */
  told(peer: ModelPeer): Map<string, Attributes[]> {
    const told = new Map<string, Attributes[]>();
    for (const prefix of new Set(this.#routes.map((route) => route.prefix))) {
      const candidates = this.#candidates(prefix);
      const offered = peer.takesPaths ? candidates : candidates.length === 0 ? [] : [this.#best(candidates)];
      const all = offered.flatMap((one) => (one.peer === peer ? [] : (this.#export(peer, prefix, one) ?? [])));
      if (all.length > 0) told.set(prefix, all);
    }
    return told;
  }

  #drop(isMeant: (route: ModelRoute) => boolean): void {
    this.#routes = this.#routes.filter((route) => !isMeant(route));
  }

  #candidates(prefix: string): Candidate[] {
    return this.#routes
      .filter((route) => route.prefix === prefix)
      .flatMap((route) => {
        const attributes = this.#import(route);
        if (attributes === undefined || (route.peer.index > 0 && this.#cost(attributes) === Number.POSITIVE_INFINITY))
          return [];
        return [{ peer: route.peer, pathId: route.pathId, attributes }];
      });
  }

  #cost({ nextHop }: Attributes): number {
    return this.costs.get(nextHop) ?? 0;
  }

  #import({ peer, received, isLongLived }: ModelRoute): Attributes | undefined {
    const isExternal = peer.as !== LOCAL_AS;
    if (peer.index === 0) return received;
    if (HOPS.includes(received.nextHop) || received.path.includes(LOCAL_AS)) return undefined;
    if (!isExternal && (received.originator === OWN_IDENTIFIER || received.clusters?.includes(OWN_IDENTIFIER)))
      return undefined;
    let route = received;
    const { role } = peer;
    if (role === Role.provider || role === Role.routeServer) {
      if (route.otc !== undefined) return undefined;
    } else if (role !== undefined) {
      if (role === Role.peer && route.otc !== undefined && route.otc !== peer.as) return undefined;
      route = { otc: peer.as, ...route };
    }
    const accepted = applyPolicy(peer.importPolicy, route);
    if (accepted === undefined) return undefined;
    route = accepted;
    if (isExternal && has(route, Community.gracefulShutdown)) route = { ...route, localPref: 0 };
    if (isLongLived && !has(route, Community.llgrStale))
      route = { ...route, communities: [...(route.communities ?? []), Community.llgrStale] };
    return route;
  }

  /** RFC 4271 §9.1.2.2, a step after the other. */
  #best(candidates: readonly Candidate[]): Candidate {
    let left = candidates;
    const keepLowest = (of: (one: Candidate) => number): void => {
      const lowest = Math.min(...left.map(of));
      left = left.filter((one) => of(one) === lowest);
    };
    keepLowest(({ attributes }) => (has(attributes, Community.llgrStale) ? 1 : 0));
    keepLowest(({ peer }) => (peer.index === 0 ? 0 : 1));
    keepLowest(({ attributes }) => -(attributes.localPref ?? 100));
    keepLowest(({ attributes }) => attributes.path.length);
    keepLowest(({ attributes }) => attributes.origin);
    const tied = left;
    left = tied.filter(({ attributes }) =>
      tied.every(
        (other) =>
          (!this.comparesAllMeds && other.attributes.path[0] !== attributes.path[0]) ||
          (other.attributes.med ?? 0) >= (attributes.med ?? 0),
      ),
    );
    keepLowest(({ peer }) => (peer.as === LOCAL_AS ? 1 : 0));
    keepLowest(({ attributes }) => this.#cost(attributes));
    keepLowest(({ peer, attributes }) => attributes.originator ?? peer.identifier);
    keepLowest(({ attributes }) => attributes.clusters?.length ?? 0);
    for (let i = 0; i < 4; i++) keepLowest(({ peer }) => peer.address[i]!);
    keepLowest(({ pathId }) => pathId);
    return left[0]!;
  }

  #export(peer: ModelPeer, prefix: string, { peer: source, attributes }: Candidate): Attributes | undefined {
    const isExternal = peer.as !== LOCAL_AS;
    const isOwn = source.index === 0;
    const isInner = !isOwn && source.as === LOCAL_AS;
    if (has(attributes, Community.noAdvertise)) return undefined;
    if (has(attributes, Community.llgrStale) && !peer.takesStale) return undefined;
    if (!isExternal && isInner && !peer.isClient && !source.isClient) return undefined;
    if (isExternal) {
      const inside = [Community.noExport, Community.noExportSubconfed, ...(isOwn ? [] : [Community.blackhole])];
      if (inside.some((community) => has(attributes, community))) return undefined;
      const { role } = peer;
      const isUpwards = role === Role.customer || role === Role.peer || role === Role.routeServerClient;
      if (isUpwards && attributes.otc !== undefined) return undefined;
    }
    const strips = isExternal && !isOwn && !peer.isServed;
    const offered = strips ? without(attributes, 'med') : attributes;
    let route = applyPolicy(peer.exportPolicy, offered);
    if (route === undefined) return undefined;
    const isSelf = isExternal ? !peer.isServed : peer.setsNextHop;
    const own = isIpv4(prefix) ? HOPS[0]! : HOPS[1]!;
    if (route.nextHop === '' || (isSelf && route.nextHop === attributes.nextHop)) route = { ...route, nextHop: own };
    if (!isExternal) {
      route = { localPref: 100, ...route };
      if (!isInner) return route;
      return { originator: source.identifier, ...route, clusters: [OWN_IDENTIFIER, ...(route.clusters ?? [])] };
    }
    route = without(without(without(route, 'localPref'), 'originator'), 'clusters');
    if (!peer.isServed) route = { ...route, path: [LOCAL_AS, ...route.path] };
    const addsOtc = peer.role === Role.provider || peer.role === Role.peer || peer.role === Role.routeServer;
    return addsOtc ? { otc: LOCAL_AS, ...route } : route;
  }
}

const without = (attributes: Attributes, name: keyof Attributes): Attributes => {
  const { [name]: _gone, ...rest } = attributes;
  return rest as Attributes;
};
