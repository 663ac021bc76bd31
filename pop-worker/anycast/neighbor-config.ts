import type { RoutedNeighbor } from '#model/routing.ts';
import type { OwnEdit } from '#pop-worker/routing/bgp/own-export.ts';
import { BGP_PORT, type BgpNeighbourConfig, type NeighbourRoutesConfig } from '#pop-worker/routing/bgp/setup.ts';
import { NO_CAPABILITIES, Role } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';

/** Between attempts to connect: a PoP that waits is one that is not there. */
const CONNECT_RETRY_US = 1_000_000;
/** RFC 9687 §4. */
const SEND_HOLD_US = 480e6;
const DIRECT_HOP_LIMIT = 255;
/** In place of a global address as the next hop: none before the link-local one. */
const NO_GLOBAL = '::';

/** What we are to it, where it is this to us (RFC 9234 §4.1). */
const OUR_ROLE = {
  provider: Role.customer,
  customer: Role.provider,
  peer: Role.peer,
  'route-server': Role.routeServerClient,
} as const;

/** `64500:100` or `64500:1:2`, as the API has checked them. */
export const communitiesOf = (texts: readonly string[]): Pick<OwnEdit, 'communities' | 'largeCommunities'> => {
  const all = texts.map((text) => text.split(':').map(Number));
  return {
    communities: all.filter(({ length }) => length === 2) as [number, number][],
    largeCommunities: all.filter(({ length }) => length === 3) as [number, number, number][],
  };
};

/** Which routes it may give and is given: nothing in without a policy, and never others than our own prefixes out. */
export const routesFor = (
  { address, importPolicy, exportPolicy, maxPrefixes, linkLocalNextHop }: RoutedNeighbor,
  edit: OwnEdit,
): NeighbourRoutesConfig => ({
  import: importPolicy ?? 'none',
  export: exportPolicy ?? 'own',
  edit,
  isReflectorClient: false,
  isServed: false,
  setsNextHop: true,
  limits: [{ family: familyOf(address), paths: maxPrefixes }],
  flowValidation: 'full',
  ...(linkLocalNextHop && { nextHop6: NO_GLOBAL }),
});

const familyOf = (address: string): number => (address.includes(':') ? Family.ipv6Unicast : Family.ipv4Unicast);

/**
 * A neighbour as the BGP thread is to have it: the family of its address, and routes as `routesFor` has them. Graceful restart
 * is not offered: it would have the neighbour keep the routes of a worker that is dead.
 *
 * @param address of `reachableAddress`
 * @param password undefined: without TCP MD5
 */
export const neighbourConfigOf = (
  routed: RoutedNeighbor,
  address: string,
  identifier: number,
  password: Uint8Array | undefined,
  edit: OwnEdit,
): BgpNeighbourConfig => {
  const [, zone] = routed.address.split('%');
  return {
    name: routed.id,
    address,
    port: BGP_PORT,
    ...(zone !== undefined && { device: zone }),
    session: {
      localAs: routed.localAsn,
      identifier,
      remoteAs: routed.remoteAsn,
      capabilities: {
        ...NO_CAPABILITIES,
        families: [familyOf(routed.address)],
        routeRefresh: true,
        enhancedRouteRefresh: true,
        extendedMessages: true,
        fourOctetAs: routed.localAsn,
        role: routed.role === undefined ? undefined : OUR_ROLE[routed.role],
      },
      holdTimeS: routed.holdSeconds,
      connectRetryUs: CONNECT_RETRY_US,
      sendHoldUs: SEND_HOLD_US,
      isPassive: false,
      isRoleStrict: false,
      checksFirstAs: routed.role !== 'route-server',
      takesAsSets: false,
    },
    tcp: {
      ...(password !== undefined && { authentication: { type: 'md5', key: password } }),
      hopLimit: DIRECT_HOP_LIMIT,
      leastHopLimit: DIRECT_HOP_LIMIT - routed.hops,
    },
    routes: routesFor(routed, edit),
    ...(routed.bfd !== undefined && { bfd: routed.bfd }),
  };
};
