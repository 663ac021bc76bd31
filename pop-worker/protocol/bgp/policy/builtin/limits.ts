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

/** Limits for a neighbour of which none were written (RFC 4486 §4). @param role of the neighbour; undefined: as a peer's */
export const defaultLimits = (role: number | undefined): readonly PathLimit[] => {
  const [ipv4, ipv6] = PATHS[role ?? Role.peer] ?? (PATHS[Role.peer] as readonly [number, number]);
  return [
    { family: Family.ipv4Unicast, paths: ipv4 },
    { family: Family.ipv6Unicast, paths: ipv6 },
  ];
};
