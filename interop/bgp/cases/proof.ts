import assert from 'node:assert/strict';
import { type Announced, communitiesOf, type PlainRoute, sorted } from '../peer.ts';
import type { PeerName } from '../scene.ts';
import { until } from '../until.ts';

/** What is proven with one peer; resolves when it is. */
export type Proof = (name: PeerName) => Promise<void>;

export const THEIRS: readonly Announced[] = [
  {
    ...{ prefix: '203.0.113.0/24', med: 7, asPath: [64_999], communities: ['64999:1', '64999:2'] },
    ...{ largeCommunities: ['64999:1:2', '4200000000:3:4'], routeTargets: ['64999:100'] },
  },
  { prefix: '2001:db8:113::/48', med: 8, communities: ['64999:6'] },
];
export const OUR_ORIGINS = [
  { prefix: '198.51.100.0/24', med: 50, communities: ['64512:7'], large_communities: ['64512:1:2', '64512:1:3'] },
  { prefix: '2001:db8:100::/48', med: 60, communities: ['64512:8'] },
];

export const plainOf = (announced: Announced, as: number, nextHop: string): PlainRoute => ({
  ...{ prefix: announced.prefix, nextHop, asPath: [as, ...(announced.asPath ?? [])].join(' ') },
  ...{ med: String(announced.med ?? ''), communities: sorted(communitiesOf(announced)) },
  largeCommunities: sorted(announced.largeCommunities ?? []),
  extendedCommunities: sorted((announced.routeTargets ?? []).map((text) => `rt:${text}`)),
  ...{ onlyToCustomer: '', originator: '', clusterList: '' },
});

/** Waits until the routes are there, and compares all that is known of them. */
export const wantRoutes = async (
  what: string,
  routes: () => Promise<readonly PlainRoute[]>,
  wanted: readonly PlainRoute[],
): Promise<void> => {
  let found: readonly PlainRoute[] = [];
  const text = (all: readonly PlainRoute[]): string =>
    sorted(all.map((route) => JSON.stringify(Object.entries(route).toSorted())));
  try {
    await until(what, async () => {
      found = await routes();
      return text(found) === text(wanted);
    });
  } catch {
    assert.deepEqual(found, wanted, what);
  }
};

export const OVER = [4, 6] as const;

export const other = (name: PeerName): PeerName => (name === 'BIRD' ? 'GoBGP' : 'BIRD');
