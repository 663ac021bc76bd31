import { RouteType } from '#protocol/netlink/route.ts';

/** Where a route leads: one of these, or the number of a set of hops. */
export type Target = number;

export const Target = {
  /** No route. */
  none: 0,
  /** Packets vanish. */
  blackhole: 1,
  /** The sender is told (ICMP: destination unreachable). */
  unreachable: 2,
  /** The sender is told that it is not allowed to. */
  prohibit: 3,
  /** A route of ours in the kernel that we would not make so. */
  other: 4,
} as const;

/** Sets of hops have numbers from here on. */
export const FIRST_SET = 16;

const TYPES: Readonly<Record<Target, number>> = {
  [Target.blackhole]: RouteType.blackhole,
  [Target.unreachable]: RouteType.unreachable,
  [Target.prohibit]: RouteType.prohibit,
};

/** RTN_* of a route that leads there. */
export const routeType = (target: Target): number => TYPES[target] ?? RouteType.unicast;

/** What a route of that RTN_* leads to without any hop. */
export const targetOfType = (type: number): Target => {
  for (const [target, of] of Object.entries(TYPES)) if (of === type) return Number(target);
  return Target.other;
};
