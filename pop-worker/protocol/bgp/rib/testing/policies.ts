/** A policy for tests, on attributes as they are read and on ids: communities of the route say what is to be done. */
import { formatIpAddress } from '#protocol/ip/text.ts';
import { AttributeCode } from '../../wire/attributes/codes.ts';
import { OPTIONAL_NON_TRANSITIVE } from '../../wire/attributes/definition.ts';
import type { AttributeStore } from '../attribute-store.ts';
import { withAttribute, withLocalPref } from '../edits.ts';
import { REJECT, type RoutePolicy } from '../route-policy.ts';
import { type Attributes, addressBytes, decode } from './route.ts';

/** 64512:n, and what it asks for of a policy that heeds it. */
export const Ask = { reject: 0xfc00_0001, prefer: 0xfc00_0002, med: 0xfc00_0003, nextHop: 0xfc00_0004 } as const;

const PREFERENCE = 200;
const MED = 77;
const NEXT_HOP = { ipv4: '203.0.113.77', ipv6: '2001:db8:77::1' };

export interface TestPolicy {
  readonly name: string;
  readonly heeds: readonly number[];
}

/** @returns undefined: rejected */
export const applyPolicy = ({ heeds }: TestPolicy, route: Attributes): Attributes | undefined => {
  const asked = (route.communities ?? []).filter((community) => heeds.includes(community));
  if (asked.includes(Ask.reject)) return undefined;
  const isIpv4 = !route.nextHop.includes(':');
  return {
    ...route,
    ...(asked.includes(Ask.prefer) ? { localPref: PREFERENCE } : {}),
    ...(asked.includes(Ask.med) ? { med: MED } : {}),
    ...(asked.includes(Ask.nextHop) && route.nextHop !== '' ? { nextHop: isIpv4 ? NEXT_HOP.ipv4 : NEXT_HOP.ipv6 } : {}),
  };
};

export const routePolicy = (policy: TestPolicy, store: AttributeStore): RoutePolicy => ({
  setsMed: policy.heeds.includes(Ask.med),
  apply: (_source, _family, _destination, attributes) => {
    const before = attributesOf(store, attributes);
    const after = applyPolicy(policy, before);
    if (after === undefined) return REJECT;
    let set = attributes;
    const next = (id: number): void => {
      if (set !== attributes) store.release(set);
      set = id;
    };
    if (after.localPref !== before.localPref) next(withLocalPref(store, set, PREFERENCE));
    if (after.med !== before.med) {
      const value = Uint8Array.of(0, 0, 0, MED);
      next(withAttribute(store, set, OPTIONAL_NON_TRANSITIVE, AttributeCode.multiExitDisc, value));
    }
    if (after.nextHop !== before.nextHop) {
      const start = store.startOf(set);
      const bytes = store.bytesOf(set).slice(start, start + store.lengthOf(set));
      next(store.internBytes(bytes, addressBytes(after.nextHop)));
    }
    // What has not changed has no reference of its own.
    return set;
  },
});

export const attributesOf = (store: AttributeStore, id: number): Attributes => {
  const start = store.startOf(id);
  const hop = store.columns.nextHop[id]!;
  const hopAt = store.nextHops.startOf(hop);
  const nextHop = store.nextHops.bytesOf(hop).slice(hopAt, hopAt + store.nextHops.lengthOf(hop));
  return decode(
    store.bytesOf(id),
    start,
    start + store.lengthOf(id),
    nextHop.length === 0 ? '' : formatIpAddress(nextHop),
  );
};
