import { KernelRefusal } from '#host/netlink/kernel-refusal.ts';
import type { NetlinkRequests } from '#host/netlink/requests.ts';
import type { Prefix } from '#protocol/ip/text.ts';
import { Family } from '#protocol/netlink/family.ts';
import { type Link, newLink } from '#protocol/netlink/link.ts';
import { type NextHop, newNextHop } from '#protocol/netlink/nexthop.ts';
import { newRoute, type Route, RouteType } from '#protocol/netlink/route.ts';
import { newRule, type Rule } from '#protocol/netlink/rule.ts';
import type { HopSets } from './hop-sets.ts';
import type { Ownership } from './ownership.ts';
import { type Target, Target as Targets, targetOfType } from './targets.ts';

/** RT_TABLE_UNSPEC. */
const ANY_TABLE = 0;
const FAMILIES = [Family.ipv4, Family.ipv6] as const;

const listOf = async <Item>(
  dump: (begin: () => void, each: (item: Item) => void) => Promise<boolean>,
): Promise<{ readonly items: Item[]; readonly complete: boolean }> => {
  let items: Item[] = [];
  const complete = await dump(
    () => {
      items = [];
    },
    (item) => items.push(item),
  );
  return { items, complete };
};

/** All links of the namespace. @throws KernelRefusal, NetlinkOverrun */
export const readLinks = async (requests: NetlinkRequests): Promise<Link[]> =>
  (await listOf<Link>((begin, each) => requests.dump('link', newLink(), begin, each))).items;

/** All nexthops and groups, also of others. @throws KernelRefusal, NetlinkOverrun */
export const readNextHops = async (requests: NetlinkRequests): Promise<NextHop[]> =>
  (await listOf<NextHop>((begin, each) => requests.dump('nextHop', newNextHop(), begin, each))).items;

/** All rules of both families, also of others. @throws KernelRefusal, NetlinkOverrun */
export const readRules = async (requests: NetlinkRequests): Promise<Rule[]> => {
  const rules: Rule[] = [];
  for (const family of FAMILIES) {
    const filter = newRule({ family, action: 0 });
    rules.push(...(await listOf<Rule>((begin, each) => requests.dump('rule', filter, begin, each))).items);
  }
  return rules;
};

/**
 * Our routes in one table; one may come twice.
 *
 * @returns false: some may be missing
 * @throws KernelRefusal, NetlinkOverrun
 */
export const readRoutes = async (
  requests: NetlinkRequests,
  family: number,
  table: number,
  own: Ownership,
  each: (route: Route) => void,
): Promise<boolean> => {
  const filter = newRoute({ family, table, protocol: own.protocol, type: 0 });
  const begin = (): void => {};
  try {
    return await requests.dump('route', filter, begin, (route) => {
      // The kernel filters where it can.
      if (isOwnRoute(own, route)) each(route);
    });
  } catch (error) {
    // A table comes with its first route.
    if (error instanceof KernelRefusal && error.code === 'ENOENT') return true;
    throw error;
  }
};

/** Whether a route is one that we made, or would have made, in whichever table. */
const looksOwn = (own: Ownership, { protocol, metric, source, typeOfService }: Route): boolean =>
  protocol === own.protocol && metric === own.metric && source === undefined && typeOfService === 0;

/** Whether a route is one that we made, or would have made. */
export const isOwnRoute = (own: Ownership, route: Route): boolean =>
  looksOwn(own, route) && own.tables.includes(route.table);

/**
 * Routes that an earlier process has left in tables of the range where we want none.
 *
 * @throws KernelRefusal, NetlinkOverrun
 */
export const readLeftRoutes = async (requests: NetlinkRequests, own: Ownership): Promise<Route[]> => {
  const [first, last] = own.tableRange;
  const isLeft = (route: Route): boolean =>
    looksOwn(own, route) && route.table >= first && route.table <= last && !own.tables.includes(route.table);
  const left: Route[] = [];
  for (const family of FAMILIES) {
    const filter = newRoute({ family, table: ANY_TABLE, protocol: own.protocol, type: 0 });
    const { items } = await listOf<Route>((begin, each) => requests.dump('route', filter, begin, each));
    left.push(...items.filter(isLeft));
  }
  return left;
};

export const prefixOfRoute = ({ destination, destinationLength }: Route): Prefix => ({
  address: destination,
  length: destinationLength,
});

/** Where a route of ours leads. */
export const targetOfRoute = (sets: HopSets, { type, nextHop }: Route): Target => {
  if (type !== RouteType.unicast) return targetOfType(type);
  return sets.get(nextHop) === undefined ? Targets.other : nextHop;
};
