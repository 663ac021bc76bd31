import { RouteProtocol } from '#protocol/netlink/route.ts';

/**
 * What in the kernel is ours. Routes, rules and nexthops carry the protocol number; besides, routes are only looked at in
 * the tables, rules in the range of priorities, and nexthops in the range of ids that are named here. Whatever does not
 * fit is never changed.
 */
export interface Ownership {
  /** RTPROT_*: 203 stands for CloudBridge (`/etc/iproute2/rt_protos` may name it). */
  readonly protocol: number;
  /** Tables that routes may go to; at most 255. */
  readonly tables: readonly number[];
  /** Tables that an earlier process may have used, from and to: what it left there goes. */
  readonly tableRange: readonly [first: number, last: number];
  /** Of each route: a number less than that of other routes to the same prefix in the same table wins. */
  readonly metric: number;
  /** Of rules, from and to. */
  readonly priorities: readonly [first: number, last: number];
  /** Of nexthops, from and to. */
  readonly nextHops: readonly [first: number, last: number];
}

/** The table that routes go to unless one is named. */
export const TABLE = 20_300;

export const OWNERSHIP: Ownership = {
  protocol: RouteProtocol.cloudbridge,
  tables: [TABLE],
  tableRange: [TABLE, TABLE + 99],
  metric: 203,
  priorities: [20_300, 20_399],
  nextHops: [203_000_000, 203_999_999],
};
