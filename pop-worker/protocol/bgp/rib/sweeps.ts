/** What is done with all paths of a neighbour at once, in one walk through those of a family. */
import { RouteFlag } from './attribute-columns.ts';
import type { FamilyRib } from './family-rib.ts';
import { imported, longLived } from './importing.ts';
import type { Neighbour } from './neighbour.ts';
import { PathFlag, type Paths } from './paths.ts';
import { REJECT } from './route-policy.ts';

const isOf = (paths: Paths, path: number, { index }: Neighbour): boolean =>
  paths.received[path] !== 0 && paths.source[path] === index;

const hasFlag = ({ flags }: Paths, path: number, marks: number): boolean => ((flags[path] as number) & marks) !== 0;

/** Takes away all, or those that have one of these marks. @param marks of `PathFlag`; 0: all */
export const removeAll = (rib: FamilyRib, from: Neighbour, marks: number): void => {
  const { paths } = rib;
  for (let path = 0; path < paths.limit; path++) {
    if (isOf(paths, path, from) && (marks === 0 || hasFlag(paths, path, marks))) rib.remove(path);
  }
};

/** @param mark of `PathFlag` */
export const markAll = ({ paths }: FamilyRib, from: Neighbour, mark: number): void => {
  const { flags } = paths;
  for (let path = 0; path < paths.limit; path++) {
    if (isOf(paths, path, from)) flags[path] = (flags[path] as number) | mark;
  }
};

/** Keeps what is stale as a last resort, marked as such; but not what has NO_LLGR (RFC 9494 §4.3). */
export const keepLongLived = (rib: FamilyRib, from: Neighbour): void => {
  const { paths, store } = rib;
  for (let path = 0; path < paths.limit; path++) {
    if (!isOf(paths, path, from) || !hasFlag(paths, path, PathFlag.stale)) continue;
    const received = (paths.received[path] as number) - 1;
    const accepted = (paths.accepted[path] as number) - 1;
    if (((store.columns.flags[received] as number) & RouteFlag.noLlgr) !== 0) {
      rib.remove(path);
      continue;
    }
    paths.flags[path] = (paths.flags[path] as number) | PathFlag.longLived;
    if (accepted !== REJECT) store.retain(accepted);
    rib.accept(path, longLived(store, accepted));
  }
};

/** Asks import policy anew. @param admit as in `admission.ts`, of a set as it came */
export const importAgain = (rib: FamilyRib, from: Neighbour, admit: (set: number) => number): void => {
  const { paths, store } = rib;
  for (let path = 0; path < paths.limit; path++) {
    if (!isOf(paths, path, from)) continue;
    const received = (paths.received[path] as number) - 1;
    const admitted = admit(received);
    const set = imported(store, from, rib.family, paths.destination[path] as number, admitted);
    if (admitted !== received && admitted !== REJECT) store.release(admitted);
    rib.accept(path, hasFlag(paths, path, PathFlag.longLived) ? longLived(store, set) : set);
  }
};
