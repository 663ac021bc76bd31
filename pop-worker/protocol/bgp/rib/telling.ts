import { type AttributeRows, attributeRows } from './attribute-rows.ts';
import { attributesOf, ExportFilter, flagsOf } from './export-filter.ts';
import type { ExportRules } from './export-rules.ts';
import type { FamilyRib } from './family-rib.ts';
import type { Neighbour } from './neighbour.ts';
import { Outgoing } from './outgoing.ts';

/** What a neighbour is told of a route: attributes as they go out, or why it is not told. */
export type Telling =
  | { readonly told: AttributeRows; readonly withheld?: undefined }
  | { readonly told?: undefined; readonly withheld: string };

/** @param rules of the neighbour, in that family @param set as import has left it */
export const tellingOf = (
  { store }: FamilyRib,
  rules: ExportRules,
  clusterId: number,
  destination: number,
  set: number,
  source: Neighbour,
): Telling => {
  const filter = new ExportFilter(rules, store);
  const told = filter.told(destination, set, source);
  if (told === 0) return { withheld: filter.withheld ?? 'its export policy rejects it' };
  const out = new Outgoing(clusterId);
  out.write(store, attributesOf(told), flagsOf(told), rules);
  store.release(attributesOf(told));
  return { told: attributeRows(out.nextHop, out.bytes, 0, out.end) };
};
