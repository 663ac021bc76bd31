/** What people and other programs are shown of the tables; none of it is on the way of routes. */
import type { FamilyRib } from './family-rib.ts';
import type { Neighbour } from './neighbour.ts';
import { NONE, PathFlag } from './paths.ts';

/** A path as it is kept. */
export interface PathView {
  /** Index of the neighbour that it is from, 0: us. */
  readonly source: number;
  readonly pathId: number;
  readonly isBest: boolean;
  /** It may be chosen: import has taken it, and its next hop can be reached. */
  readonly isUsable: boolean;
  readonly isStale: boolean;
  readonly isLongLived: boolean;
  /** Ids of its attributes as they came, and as import has left them, or `REJECT`. */
  readonly received: number;
  readonly accepted: number;
}

/** @returns all paths of a destination, in no order */
export const pathsTo = (rib: FamilyRib, destination: number): PathView[] => {
  const { paths, best } = rib;
  const views: PathView[] = [];
  for (let path = paths.heads[destination] ?? NONE; path !== NONE; path = paths.next[path] as number) {
    const flags = paths.flags[path] as number;
    views.push({
      source: paths.source[path] as number,
      pathId: paths.pathId[path] as number,
      isBest: best[destination] === path,
      isUsable: rib.isUsable(path),
      isStale: (flags & PathFlag.stale) !== 0,
      isLongLived: (flags & PathFlag.longLived) !== 0,
      received: (paths.received[path] as number) - 1,
      accepted: (paths.accepted[path] as number) - 1,
    });
  }
  return views;
};

/** What there is of a neighbour in one family, and what it has been told. */
export interface FamilyCounts {
  readonly family: number;
  /** Paths that are kept, and those of them that import has taken. */
  readonly received: number;
  readonly accepted: number;
  /** Announced to it, and still to be told. */
  readonly told: number;
  readonly pending: number;
}

/** @param neighbour undefined: there is none, and nothing of it */
export const countsOf = ({ family, slot }: FamilyRib, neighbour: Neighbour | undefined): FamilyCounts => ({
  family,
  received: neighbour?.paths[slot] ?? 0,
  accepted: neighbour?.accepted[slot] ?? 0,
  told: neighbour?.members[slot]?.outbox.announced ?? 0,
  pending: neighbour?.members[slot]?.outbox.pending ?? 0,
});
