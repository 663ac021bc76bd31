import type { AttributeStore } from '#protocol/bgp/rib/attribute-store.ts';
import { attributeEnd, findAttribute, valueStart, withAttribute } from '#protocol/bgp/rib/edits.ts';
import { OWN, REJECT, type RoutePolicy } from '#protocol/bgp/rib/route-policy.ts';
import { Segment } from '#protocol/bgp/wire/attributes/as-path.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN } from '#protocol/bgp/wire/attributes/definition.ts';

/** How our own routes are told one neighbour, besides what they begin with. */
export interface OwnEdit {
  /** MULTI_EXIT_DISC; undefined: as the route has it. */
  readonly med?: number | undefined;
  /** How often our AS number stands in AS_PATH besides the first time. */
  readonly prepend: number;
  /** Added to what the route has, as `HIGH:LOW` (RFC 1997) and as triples (RFC 8092). */
  readonly communities: readonly (readonly [number, number])[];
  readonly largeCommunities: readonly (readonly [number, number, number])[];
}

const u32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

/** The attribute with more values behind those that it has. */
const adding = (store: AttributeStore, id: number, code: number, values: readonly number[]): number => {
  const at = findAttribute(store, id, code);
  const buffer = store.bytesOf(id);
  const known = at < 0 ? [] : buffer.subarray(valueStart(buffer, at), attributeEnd(buffer, at));
  return withAttribute(store, id, OPTIONAL_TRANSITIVE, code, Uint8Array.of(...known, ...values));
};

/** Our own routes, each as the neighbour is to be told of it; nothing of others. There are few: nothing is remembered. */
export const ownExport = (store: AttributeStore, localAs: number, edit: OwnEdit): RoutePolicy => {
  const { med, prepend, communities, largeCommunities } = edit;
  const path = Uint8Array.of(Segment.sequence, prepend, ...Array.from({ length: prepend }, () => u32(localAs)).flat());
  const edits: ((id: number) => number)[] = [];
  if (med !== undefined) {
    const value = Uint8Array.from(u32(med));
    edits.push((id) => withAttribute(store, id, OPTIONAL_NON_TRANSITIVE, AttributeCode.multiExitDisc, value));
  }
  if (prepend > 0) edits.push((id) => withAttribute(store, id, WELL_KNOWN, AttributeCode.asPath, path));
  if (communities.length > 0) {
    const values = communities.flatMap(([high, low]) => u32(high * 0x1_0000 + low));
    edits.push((id) => adding(store, id, AttributeCode.communities, values));
  }
  if (largeCommunities.length > 0) {
    const values = largeCommunities.flatMap((triple) => triple.flatMap(u32));
    edits.push((id) => adding(store, id, AttributeCode.largeCommunities, values));
  }
  return {
    setsMed: med !== undefined,
    apply: (source, _family, _destination, attributes) => {
      if (source !== OWN) return REJECT;
      let id = attributes;
      for (const change of edits) {
        const next = change(id);
        // What was made in between is nobody's.
        if (id !== attributes) store.release(id);
        id = next;
      }
      return id;
    },
  };
};
