import type { PathLimit } from '../../rib/neighbour.ts';
import { Role } from '../../wire/capabilities/definition.ts';
import { Family } from '../../wire/families.ts';

/** Paths of IPv4 and IPv6, by what the neighbour is to us: the tables of today, and room to grow by half. */
const PATHS: Readonly<Record<number, readonly [number, number]>> = {
  [Role.provider]: [1_500_000, 400_000],
  [Role.routeServer]: [500_000, 200_000],
  [Role.peer]: [200_000, 100_000],
  [Role.routeServerClient]: [100_000, 50_000],
  [Role.customer]: [1000, 1000],
};

/** Of flow specifications, which are few where they are used. */
const FLOWS = 10_000;

/**
 * Limits for a neighbour of which none were written (RFC 4486 §4).
 *
 * @param role of the neighbour; undefined: it may have a full table, as a provider has
 */
export const defaultLimits = (role: number | undefined): readonly PathLimit[] => {
  const [ipv4, ipv6] = PATHS[role ?? Role.provider] ?? (PATHS[Role.provider] as readonly [number, number]);
  return [
    { family: Family.ipv4Unicast, paths: ipv4 },
    { family: Family.ipv6Unicast, paths: ipv6 },
    { family: Family.ipv4Flow, paths: FLOWS },
    { family: Family.ipv6Flow, paths: FLOWS },
  ];
};
