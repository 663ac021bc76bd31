import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { familyOf } from '#protocol/netlink/family.ts';
import { Flag } from '#protocol/netlink/header.ts';
import { LinkFlag, NO_ADDRESS_GENERATION, newLink } from '#protocol/netlink/link.ts';
import { newRoute, type Route, RouteProtocol, Scope } from '#protocol/netlink/route.ts';
import { KernelRefusal } from '../netlink/kernel-refusal.ts';
import { withRequests } from '../netlink/requests.ts';

/** Sets links and routes in the network namespace of the calling thread. */

const FAMILIES: Readonly<Record<number, Partial<Route>>> = {
  // The destination itself is on the link.
  4: { scope: Scope.link },
  // The metric that IPv6 gives to a route without one.
  16: { metric: 1024 },
};

const routeTo = ({ address, length }: Prefix, device: number): Route =>
  newRoute({
    family: familyOf(address),
    destination: address,
    destinationLength: length,
    protocol: RouteProtocol.cloudbridge,
    device,
    ...FAMILIES[address.length],
  });

const prefixesOf = (texts: readonly string[]): Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);

/** Without a link-local address, so that the kernel does not look for routers there. @throws KernelRefusal */
export const setLinkUp = (device: string, mtu: number): void =>
  withRequests((requests) => {
    const { index } = requests.get('link', newLink({ name: device }));
    // First how, then whether: a link that is up looks for its link-local address at once.
    requests.one('link', 'added', 0, newLink({ index, mtu, addressGeneration: NO_ADDRESS_GENERATION }));
    requests.one('link', 'added', 0, newLink({ index, flags: LinkFlag.up, change: LinkFlag.up }));
  });

/** Leads prefixes to a device; those that lead there already stay. @throws KernelRefusal */
export const addRoutes = (device: string, prefixes: readonly string[]): void =>
  withRequests((requests) => {
    const { index } = requests.get('link', newLink({ name: device }));
    for (const prefix of prefixesOf(prefixes)) {
      requests.one('route', 'added', Flag.create | Flag.replace, routeTo(prefix, index));
    }
  });

/** Whether a device is up, as an operator sees it. @throws KernelRefusal, as when there is none */
export const isLinkUp = (device: string): boolean =>
  withRequests((requests) => (requests.get('link', newLink({ name: device })).flags & LinkFlag.up) !== 0);

/** Puts back routes that are not there any more; nothing is told of those that are. @returns how many @throws KernelRefusal */
export const restoreRoutes = (device: string, prefixes: readonly string[]): number =>
  withRequests((requests) => {
    const { index } = requests.get('link', newLink({ name: device }));
    const routes = prefixesOf(prefixes);
    let there = 0;
    requests.batch(
      (add) => {
        for (const prefix of routes) add('route', 'added', Flag.create | Flag.exclusive, routeTo(prefix, index));
      },
      (refusal) => {
        const error = new KernelRefusal('a route', refusal);
        if (error.code !== 'EEXIST') throw error;
        there++;
      },
    );
    return routes.length - there;
  });

/** @throws KernelRefusal, also when one is not there */
export const removeRoute = (device: string, prefix: string): void =>
  withRequests((requests) => {
    const { index } = requests.get('link', newLink({ name: device }));
    for (const parsed of prefixesOf([prefix])) requests.one('route', 'deleted', 0, routeTo(parsed, index));
  });
