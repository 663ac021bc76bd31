import { RouteFlag } from './attribute-columns.ts';
import type { AttributeStore } from './attribute-store.ts';
import { localPref } from './decision.ts';
import { withLlgrStale, withLocalPref } from './edits.ts';
import type { Neighbour } from './neighbour.ts';
import { REJECT } from './route-policy.ts';

/**
 * What import makes of a route.
 *
 * @param admitted as `admit` returns it
 * @returns an id with a reference that is the caller's, or `REJECT`
 */
export const imported = (
  store: AttributeStore,
  { index, isExternal, settings }: Neighbour,
  family: number,
  destination: number,
  admitted: number,
): number => {
  if (admitted === REJECT) return REJECT;
  const set = settings.importPolicy.apply(index, family, destination, admitted);
  if (set === admitted) store.retain(set);
  const isLeaving = set !== REJECT && ((store.columns.flags[set] as number) & RouteFlag.gracefulShutdown) !== 0;
  if (!isLeaving || !isExternal || localPref(store.columns, set) === 0) return set;
  // RFC 8326 §4.2: the last resort, whatever policy prefers.
  const last = withLocalPref(store, set, 0);
  store.release(set);
  return last;
};

/** With LLGR_STALE (RFC 9494 §4.3). Takes a reference, and gives one. */
export const longLived = (store: AttributeStore, set: number): number => {
  if (set === REJECT || ((store.columns.flags[set] as number) & RouteFlag.llgrStale) !== 0) return set;
  const marked = withLlgrStale(store, set);
  store.release(set);
  return marked;
};
