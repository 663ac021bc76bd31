import type { BgpError } from '#protocol/bgp/errors.ts';
import type { OriginValidator } from '#protocol/bgp/policy/route.ts';
import type { Policies } from '#protocol/bgp/policy/rule.ts';
import type { FamilyCounts } from '#protocol/bgp/rib/inspect.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import type { Routes } from '#protocol/bgp/routes.ts';
import type { PrefixExplained } from './explained.ts';
import type { RoutePage, RouteQuery } from './route-list.ts';
import type { BgpNeighbourConfig, NeighbourRoutesConfig, OriginConfig } from './setup.ts';

/** Who knows which AS may originate what. */
export interface RouteValidator extends OriginValidator {
  /** Whether anybody is asked. */
  readonly isWanted: boolean;
}

/** Where routes of neighbours are kept. */
export interface RouteTables extends Routes {
  readonly rib: Rib;
  addNeighbour(config: BgpNeighbourConfig): number;
  removeNeighbour(index: number): void;
  /** Other routes of a neighbour are taken, and told to it. @returns whether it may announce more of a family than before */
  change(index: number, routes: NeighbourRoutesConfig): boolean;
  /** @param changes by index: what neighbours have other than before @returns indices of those that may announce more */
  setPolicies(policies: Policies, changes: ReadonlyMap<number, NeighbourRoutesConfig>): ReadonlySet<number>;
  /** What ends the session of a neighbour that has announced more than it may by now; undefined: nothing. */
  excess(index: number): BgpError | undefined;
  /** A route of our own, in place of the one that there may be. */
  originate(origin: OriginConfig): void;
  withdraw(prefix: string): void;
  /** Flow specifications are to be looked at; that takes time with the number of unicast routes. */
  readonly owesValidation: boolean;
  validateFlows(): void;
  /** Bytes that routes take. */
  readonly memory: number;
  /** What there is of its routes, by family. */
  countsOf(index: number): readonly FamilyCounts[];
  /** What policies make of a prefix. @param text one, or an address @param isEnabled whether a neighbour is to have a session */
  explain(text: string, isEnabled: (index: number) => boolean): PrefixExplained;
  /** Families of which a neighbour was not told routes, for want of an address of ours as their next hop. */
  missingNextHops(index: number): readonly number[];
  /** @param nameOf of a neighbour by its index */
  page(query: RouteQuery, nameOf: (index: number) => string | undefined): RoutePage;
  /** Before there are neighbours. */
  setValidator(validator: RouteValidator): void;
  /** What that one knows has become another: routes whose policies ask for it are looked at anew. */
  revalidate(): void;
  /** Our address of a connection with it. @param global beside it, where it is link-local (`globalBeside`) */
  setLocal(index: number, address: string, global?: string): void;
}
