import type { TimeUs } from '../contract.ts';
import type { Leases } from './leases.ts';
import type { Paths } from './paths.ts';
import type { Peer } from './peer.ts';
import { COST_UNIT_US, UNREACHABLE_COST } from './wire/vector.ts';

/** Another member as operators see it. */
export interface PeerStatus {
  readonly member: number;
  /** Both sides know who the other is: whoever calls hears only with the first answer that its certificate was taken (RFC 8446 §4.4.2). */
  readonly isLinked: boolean;
  /** Whether its probes come. */
  readonly isHeard: boolean;
  /** Whether a majority says that it is dead. */
  readonly isDead: boolean;
  /** Smoothed; undefined: not measured yet. */
  readonly rttMs: number | undefined;
  /** Share of its probes that do not come, 0 to 1. */
  readonly loss: number;
  /** The member that hands on what goes there; 0: none, it goes directly; -1: there is no way. */
  readonly via: number;
  /** What that way costs, as a round trip; undefined: there is none. */
  readonly costMs: number | undefined;
}

export const statusOf = (
  peer: Peer,
  mesh: { readonly leases: Leases; readonly paths: Paths },
  now: TimeUs,
): PeerStatus => {
  const { member, latency, isReady: isLinked } = peer;
  const { leases, paths } = mesh;
  const cost = paths.cost(member, now);
  return {
    ...{ member, isLinked, isHeard: leases.hears(member, now), isDead: leases.isDead(member, now) },
    ...{ rttMs: latency.smoothedUs === undefined ? undefined : latency.smoothedUs / 1000, loss: latency.loss },
    ...{ via: paths.via(member, now), costMs: cost >= UNREACHABLE_COST ? undefined : (cost * COST_UNIT_US) / 1000 },
  };
};
