import type { RoutingConfig } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { BgpRole } from '#proto/gen/cloudbridge/v1/routing_pb.ts';

/** What one worker announces, to whom, and by which ways out; out of what a revision says of all PoPs. */
export interface WorkerRouting {
  readonly prefixes: readonly RoutedPrefix[];
  readonly neighbors: readonly RoutedNeighbor[];
  readonly uplinks: readonly RoutedUplink[];
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
}

export interface RoutedUplink {
  readonly id: string;
  readonly device: string;
  readonly probeAddresses: readonly string[];
  readonly weight: number;
}

export const NO_ROUTING: WorkerRouting = { prefixes: [], neighbors: [], uplinks: [] };

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

/** @param config undefined: of a revision from before there was routing */
export const routingOf = (config: RoutingConfig | undefined, pop: string, worker: string): WorkerRouting => {
  if (config === undefined) return NO_ROUTING;
  return {
    prefixes: config.prefixes
      .filter(({ pops }) => isFor(pops, pop))
      .map(({ prefix, communities }) => ({ prefix, communities })),
    neighbors: config.neighbors
      .filter((neighbor) => neighbor.pop === pop && isFor(neighbor.workers, worker) && !neighbor.disabled)
      .map((neighbor) => ({
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
      })),
    uplinks: config.uplinks
      .filter((uplink) => uplink.pop === pop)
      .map(({ id, device, probeAddresses, weight }) => ({ id, device, probeAddresses, weight: weight || 1 })),
  };
};
