import type { NeighbourStatus } from '#pop-worker/routing/bgp/status.ts';

/** How the path to a BGP neighbour that wants BFD is, for people. */
export const bfdText = ({ state, detectionMs }: NonNullable<NeighbourStatus['bfd']>): string => {
  if (state === 'unopened') return 'BFD not begun';
  const noticed = state === 'up' ? `, silence noticed in ${detectionMs} ms` : '';
  return `BFD ${state.replace('_', ' ')}${noticed}`;
};
