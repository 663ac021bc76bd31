import { Role } from '../wire/capabilities/definition.ts';
import { Family, isFlow } from '../wire/families.ts';
import type { LocalAddresses, Neighbour, RibSession } from './neighbour.ts';
import type { RoutePolicy } from './route-policy.ts';

const NOTHING = new Uint8Array(0);

/** All that decides what a neighbour is told of a family: those with equal rules are told the same. */
export interface ExportRules {
  readonly family: number;
  readonly policy: RoutePolicy;
  readonly localAs: number;
  readonly isExternal: boolean;
  readonly isReflectorClient: boolean;
  readonly isServed: boolean;
  readonly setsNextHop: boolean;
  /** Our own address for it: 4, 16 or 32 bytes; none for flow specifications, and when there is none that it takes. */
  readonly ownNextHop: Uint8Array;
  /** A prefix of IPv4 may have a next hop of IPv6 (RFC 8950). */
  readonly takesIpv6NextHop: boolean;
  /** RFC 9494 §4.4: others are not told of what is stale. */
  readonly takesStale: boolean;
  readonly localRole: number | undefined;
  /** All paths, each with an identifier (RFC 7911). */
  readonly takesPaths: boolean;
}

export const exportRules = (
  family: number,
  { settings, isExternal }: Neighbour,
  session: RibSession,
  local: LocalAddresses,
): ExportRules => {
  const takesIpv6NextHop = session.rules.ipv6NextHopFamilies.includes(family);
  return {
    family,
    policy: settings.exportPolicy,
    localAs: settings.localAs,
    isExternal,
    isReflectorClient: settings.isReflectorClient,
    isServed: settings.isServed,
    setsNextHop: isExternal ? !settings.isServed : settings.setsNextHop,
    ownNextHop: ownNextHop(family, local, takesIpv6NextHop),
    takesIpv6NextHop,
    takesStale: session.longLived.some((one) => one.family === family),
    localRole: isFlow(family) ? undefined : session.localRole,
    takesPaths: session.writeRules.pathIdFamilies.includes(family),
  };
};

const ownNextHop = (family: number, { ipv4, ipv6 }: LocalAddresses, takesIpv6: boolean): Uint8Array => {
  if (family === Family.ipv4Unicast) return ipv4 ?? (takesIpv6 ? (ipv6 ?? NOTHING) : NOTHING);
  return family === Family.ipv6Unicast ? (ipv6 ?? NOTHING) : NOTHING;
};

export const areSameRules = (a: ExportRules, b: ExportRules): boolean => {
  const { ownNextHop: hopA, ...restA } = a;
  const { ownNextHop: hopB, ...restB } = b;
  const keys = Object.keys(restA) as (keyof typeof restA)[];
  return keys.every((key) => restA[key] === restB[key]) && isEqual(hopA, hopB);
};

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** RFC 9234 §5: the neighbour is a customer, a peer or a route server's client; what it is told goes to its customers only. */
export const addsOtc = ({ localRole }: ExportRules): boolean =>
  localRole === Role.provider || localRole === Role.peer || localRole === Role.routeServer;

/** RFC 9234 §5: the neighbour is a provider, a peer or a route server; it is not told of what is for customers only. */
export const refusesOtc = ({ localRole }: ExportRules): boolean =>
  localRole === Role.customer || localRole === Role.peer || localRole === Role.routeServerClient;
