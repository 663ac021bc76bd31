import type { RoutingConfig } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { type BgpNeighbor, BgpRole } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import type { Policies } from '#protocol/bgp/policy/rule.ts';
import {
  hasUnknownField,
  policiesOf,
  policyProblems,
  readRoutePolicies,
  referenceProblem,
  withCalled,
} from './route-policies.ts';

/** What one worker announces, to whom, and by which ways out; out of what a revision says of all PoPs. */
export interface WorkerRouting {
  readonly prefixes: readonly RoutedPrefix[];
  readonly neighbors: readonly RoutedNeighbor[];
  readonly uplinks: readonly RoutedUplink[];
  /** Those that its neighbours have, and those that these call. */
  readonly policies: Policies;
}

export interface RoutedPrefix {
  readonly prefix: string;
  readonly communities: readonly string[];
}

/** What the neighbour is to us (RFC 9234 §4). */
export type NeighborRole = 'provider' | 'customer' | 'peer' | 'route-server';

export interface RoutedNeighbor {
  readonly id: string;
  readonly address: string;
  readonly remoteAsn: number;
  readonly localAsn: number;
  /** Undefined: not said. */
  readonly role: NeighborRole | undefined;
  readonly holdSeconds: number;
  /** Routers in between. */
  readonly hops: number;
  /** Undefined: without BFD. */
  readonly bfd: { readonly intervalMs: number; readonly multiplier: number } | undefined;
  /** Undefined: without TCP MD5. */
  readonly passwordName: string | undefined;
  readonly prepend: number;
  readonly med: number;
  readonly communities: readonly string[];
  readonly maxPrefixes: number;
  /** Name of the policy that says what is taken; undefined: nothing is. */
  readonly importPolicy: string | undefined;
  /** Name of the policy that says which of our own prefixes it is told; undefined: all of them. */
  readonly exportPolicy: string | undefined;
  /** Our link-local address alone is its next hop of IPv6. */
  readonly linkLocalNextHop: boolean;
}

export interface RoutedUplink {
  readonly id: string;
  readonly device: string;
  readonly probeAddresses: readonly string[];
  readonly weight: number;
  /** Routers on the link that routes lead to. */
  readonly gateways: readonly string[];
}

const NO_POLICIES: Policies = { ruleSets: {} };
export const NO_ROUTING: WorkerRouting = { prefixes: [], neighbors: [], uplinks: [], policies: NO_POLICIES };

/** What stands for a zero in `routing.proto`. */
const DEFAULT_ASN = 64_512;
const DEFAULT_HOLD_SECONDS = 9;
const DEFAULT_MULTIPLIER = 3;
const DEFAULT_MAX_PREFIXES = 1000;

const ROLES: ReadonlyMap<BgpRole, NeighborRole> = new Map([
  [BgpRole.PROVIDER, 'provider'],
  [BgpRole.CUSTOMER, 'customer'],
  [BgpRole.PEER, 'peer'],
  [BgpRole.ROUTE_SERVER, 'route-server'],
]);

const isFor = (names: readonly string[], own: string): boolean => names.length === 0 || names.includes(own);

/** Neighbours that a worker is to have a session with. */
const neighborsOf = (config: RoutingConfig, pop: string, worker: string): BgpNeighbor[] =>
  config.neighbors.filter((neighbor) => neighbor.pop === pop && isFor(neighbor.workers, worker) && !neighbor.disabled);

const WAYS = [
  ['import', 'importPolicy'],
  ['export', 'exportPolicy'],
] as const;

const policiesFor = (config: RoutingConfig, neighbors: readonly BgpNeighbor[]) =>
  withCalled(
    config.policies,
    neighbors.flatMap((neighbor) => WAYS.map(([, field]) => neighbor[field])),
  );

/**
 * Why a worker cannot have the policies of its neighbours; those of others do not matter to it.
 *
 * @returns one sentence; undefined: it can
 */
export const policyFault = (config: RoutingConfig | undefined, pop: string, worker: string): string | undefined => {
  if (config === undefined) return undefined;
  const neighbors = neighborsOf(config, pop, worker);
  const policies = policiesFor(config, neighbors);
  const newer = policies.find(hasUnknownField);
  if (newer !== undefined)
    return `route policy ${JSON.stringify(newer.id)} has what this version does not know: update the worker`;
  const read = readRoutePolicies(policies);
  const [problem] = policyProblems(policies, read);
  if (problem !== undefined) {
    const { policy, field, description } = problem;
    return `route policy ${JSON.stringify(policy)} cannot be used: ${field}: ${description}`;
  }
  for (const neighbor of neighbors) {
    for (const [way, field] of WAYS) {
      const name = neighbor[field];
      const wrong = name === '' ? undefined : referenceProblem(read, way, name);
      if (wrong !== undefined) return `neighbour ${JSON.stringify(neighbor.id)} cannot ${way} by its policy: ${wrong}`;
    }
  }
  return undefined;
};

/**
 * @param config undefined: of a revision from before there was routing; `policyFault` has found nothing wrong with it
 */
export const routingOf = (config: RoutingConfig | undefined, pop: string, worker: string): WorkerRouting => {
  if (config === undefined) return NO_ROUTING;
  const neighbors = neighborsOf(config, pop, worker);
  const policies = policiesFor(config, neighbors);
  return {
    prefixes: config.prefixes
      .filter(({ pops }) => isFor(pops, pop))
      .map(({ prefix, communities }) => ({ prefix, communities })),
    neighbors: neighbors.map((neighbor) => ({
      id: neighbor.id,
      address: neighbor.address,
      remoteAsn: neighbor.remoteAsn,
      localAsn: neighbor.localAsn || DEFAULT_ASN,
      role: ROLES.get(neighbor.role),
      holdSeconds: neighbor.holdSeconds || DEFAULT_HOLD_SECONDS,
      hops: neighbor.hops,
      bfd:
        neighbor.bfdIntervalMs === 0
          ? undefined
          : { intervalMs: neighbor.bfdIntervalMs, multiplier: neighbor.bfdMultiplier || DEFAULT_MULTIPLIER },
      passwordName: neighbor.passwordName || undefined,
      prepend: neighbor.prepend,
      med: neighbor.med,
      communities: neighbor.communities,
      maxPrefixes: neighbor.maxPrefixes || DEFAULT_MAX_PREFIXES,
      importPolicy: neighbor.importPolicy || undefined,
      exportPolicy: neighbor.exportPolicy || undefined,
      linkLocalNextHop: neighbor.linkLocalNextHop,
    })),
    uplinks: config.uplinks
      .filter((uplink) => uplink.pop === pop)
      .map(({ id, device, probeAddresses, weight, gateways }) => ({
        ...{ id, device, probeAddresses, weight: weight || 1, gateways },
      })),
    policies: policies.length === 0 ? NO_POLICIES : policiesOf(policies),
  };
};
