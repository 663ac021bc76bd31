import { AttributeCode } from '../wire/attributes/codes.ts';
import { u32At } from '../wire/bytes.ts';
import { Role } from '../wire/capabilities/definition.ts';
import { isFlow } from '../wire/families.ts';
import { RouteFlag } from './attribute-columns.ts';
import type { AttributeStore } from './attribute-store.ts';
import { attributeEnd, findAttribute, valueStart, withOtc } from './edits.ts';
import type { Neighbour } from './neighbour.ts';
import { REJECT } from './route-policy.ts';

/** Who we are, to what we have sent ourselves. */
export interface RibIdentity {
  /** Our BGP identifier. */
  readonly identifier: number;
  /** Of the cluster that we reflect for (RFC 4456 §7). */
  readonly clusterId: number;
}

/**
 * What import policy is asked for, of the routes of an UPDATE: loops are not for it to let in (RFC 4271 §9.1.2, RFC 4456 §8),
 * nor what leads to us (RFC 4271 §6.3), nor leaks (RFC 9234 §5), and ONLY_TO_CUSTOMER is added where it is missing.
 *
 * @returns the id that was given, that of another set with a reference that is the caller's, or `REJECT`
 */
export const admit = (
  store: AttributeStore,
  id: number,
  family: number,
  { isExternal, settings, localRole, local }: Neighbour,
  identity: RibIdentity,
): number => {
  if (isNextHop(store, id, local.ipv4) || isNextHop(store, id, local.ipv6)) return REJECT;
  if (hasAs(store, id, settings.localAs)) return REJECT;
  if (!isExternal) return isFromUs(store, id, identity) ? REJECT : id;
  const role = isFlow(family) ? undefined : localRole;
  if (role === undefined) return id;
  const hasOtc = ((store.columns.flags[id] as number) & RouteFlag.hasOtc) !== 0;
  if (role === Role.provider || role === Role.routeServer) return hasOtc ? REJECT : id;
  if (!hasOtc) return withOtc(store, id, settings.as);
  return role === Role.peer && otcOf(store, id) !== settings.as ? REJECT : id;
};

/** RFC 4271 §6.3: a route does not lead to us. */
const isNextHop = ({ columns, nextHops }: AttributeStore, id: number, own: Uint8Array | undefined): boolean => {
  const hop = columns.nextHop[id] as number;
  const bytes = nextHops.lengthOf(hop);
  if (own === undefined || bytes === 0) return false;
  const address = nextHops.bytesOf(hop);
  const start = nextHops.startOf(hop);
  const most = Math.min(own.length, 16);
  if (most !== Math.min(bytes, 16)) return false;
  for (let i = 0; i < most; i++) if (address[start + i] !== own[i]) return false;
  return true;
};

const otcOf = (store: AttributeStore, id: number): number => {
  const buffer = store.bytesOf(id);
  return u32At(buffer, valueStart(buffer, findAttribute(store, id, AttributeCode.onlyToCustomer)));
};

/** Whether AS_PATH has an AS, in a sequence or a set. */
const hasAs = (store: AttributeStore, id: number, as: number): boolean => {
  const attribute = findAttribute(store, id, AttributeCode.asPath);
  if (attribute < 0) return false;
  const buffer = store.bytesOf(id);
  const end = attributeEnd(buffer, attribute);
  for (let at = valueStart(buffer, attribute); at < end; ) {
    const next = at + 2 + 4 * (buffer[at + 1] as number);
    for (at += 2; at < next; at += 4) if (u32At(buffer, at) === as) return true;
  }
  return false;
};

/** RFC 4456 §8: by ORIGINATOR_ID or CLUSTER_LIST. */
const isFromUs = (store: AttributeStore, id: number, { identifier, clusterId }: RibIdentity): boolean => {
  const { flags, originator, clusterLength } = store.columns;
  if (((flags[id] as number) & RouteFlag.hasOriginator) !== 0 && originator[id] === identifier) return true;
  if (clusterLength[id] === 0) return false;
  const buffer = store.bytesOf(id);
  const attribute = findAttribute(store, id, AttributeCode.clusterList);
  const end = attributeEnd(buffer, attribute);
  for (let at = valueStart(buffer, attribute); at < end; at += 4) if (u32At(buffer, at) === clusterId) return true;
  return false;
};
