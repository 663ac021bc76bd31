import { aggregator, as4Aggregator } from './aggregator.ts';
import { as4Path, asPath } from './as-path.ts';
import { atomicAggregate } from './atomic-aggregate.ts';
import { clusterList } from './cluster-list.ts';
import { communities, extendedCommunities, ipv6ExtendedCommunities, largeCommunities } from './communities.ts';
import type { AttributeRow } from './definition.ts';
import { localPref } from './local-pref.ts';
import { multiExitDisc } from './multi-exit-disc.ts';
import { mpReach, mpUnreach } from './multiprotocol.ts';
import { nextHop } from './next-hop.ts';
import { onlyToCustomer } from './only-to-customer.ts';
import { origin } from './origin.ts';
import { originatorId } from './originator-id.ts';

/** Every path attribute that we know. */
export const ATTRIBUTES: readonly AttributeRow[] = [
  origin,
  asPath,
  nextHop,
  multiExitDisc,
  localPref,
  atomicAggregate,
  aggregator,
  communities,
  originatorId,
  clusterList,
  mpReach,
  mpUnreach,
  extendedCommunities,
  as4Path,
  as4Aggregator,
  ipv6ExtendedCommunities,
  largeCommunities,
  onlyToCustomer,
];

const ROWS: (AttributeRow | undefined)[] = new Array(256).fill(undefined);
for (const row of ATTRIBUTES) ROWS[row.code] = row;

/** @returns undefined for an attribute that we do not know */
export const attributeRow = (code: number): AttributeRow | undefined => ROWS[code];
