import { prepended } from '#protocol/bgp/policy/changes.ts';
import type { Finish } from '#protocol/bgp/policy/explain.ts';
import { RouteFlag } from '#protocol/bgp/rib/attribute-columns.ts';
import type { AttributeStore } from '#protocol/bgp/rib/attribute-store.ts';
import { attributeEnd, findAttribute, valueStart, withAttribute } from '#protocol/bgp/rib/edits.ts';
import { OWN, REJECT, type RoutePolicy } from '#protocol/bgp/rib/route-policy.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN } from '#protocol/bgp/wire/attributes/definition.ts';

/** How our own routes are told one neighbour, besides what they begin with and what its policy makes of them. */
export interface OwnEdit {
  /** MULTI_EXIT_DISC, where the neighbour's policy has set none; undefined: as the route has it. */
  readonly med?: number | undefined;
  /** Added to the MULTI_EXIT_DISC that its policy has set. */
  readonly medAdded?: number | undefined;
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

const MAX_MED = 0xffff_ffff;

const withMed = (store: AttributeStore, id: number, med: number): number =>
  withAttribute(store, id, OPTIONAL_NON_TRANSITIVE, AttributeCode.multiExitDisc, Uint8Array.from(u32(med)));

/** @returns MULTI_EXIT_DISC; undefined: it has none */
const medOf = ({ columns }: AttributeStore, id: number): number | undefined =>
  ((columns.flags[id] as number) & RouteFlag.hasMed) === 0 ? undefined : (columns.med[id] as number);

const withPrepended = (store: AttributeStore, id: number, localAs: number, times: number): number => {
  const at = findAttribute(store, id, AttributeCode.asPath);
  const buffer = store.bytesOf(id);
  const path = at < 0 ? new Uint8Array(0) : buffer.subarray(valueStart(buffer, at), attributeEnd(buffer, at));
  return withAttribute(store, id, WELL_KNOWN, AttributeCode.asPath, prepended(path, localAs, times));
};

/** What is done to a route, one after the other. */
const editsOf = (
  store: AttributeStore,
  localAs: number,
  { med, medAdded = 0, prepend, communities, largeCommunities }: OwnEdit,
  isPoliced: boolean,
): ((id: number) => number)[] => {
  const edits: ((id: number) => number)[] = [];
  if (med !== undefined) {
    edits.push((id) => {
      const set = isPoliced ? medOf(store, id) : undefined;
      return withMed(store, id, set === undefined ? med : Math.min(set + medAdded, MAX_MED));
    });
  }
  if (prepend > 0) edits.push((id) => withPrepended(store, id, localAs, prepend));
  if (communities.length > 0) {
    const values = communities.flatMap(([high, low]) => u32(high * 0x1_0000 + low));
    edits.push((id) => adding(store, id, AttributeCode.communities, values));
  }
  if (largeCommunities.length > 0) {
    const values = largeCommunities.flatMap((triple) => triple.flatMap(u32));
    edits.push((id) => adding(store, id, AttributeCode.largeCommunities, values));
  }
  return edits;
};

const medText = (med: number, added: number): string =>
  added === 0 ? `med ${med} where no policy has set one` : `med ${med}, or ${added} more than a policy has set`;

/** What `edit` does, for people. */
const textsOf = ({ med, medAdded = 0, prepend, communities, largeCommunities }: OwnEdit): string[] => [
  ...(med === undefined ? [] : [medText(med, medAdded)]),
  ...(prepend === 0 ? [] : [`prepend our AS ${prepend} times`]),
  ...(communities.length + largeCommunities.length === 0
    ? []
    : [`communities ${[...communities, ...largeCommunities].map((parts) => parts.join(':')).join(', ')}`]),
];

/**
 * Our own routes, each as the neighbour is to be told of it; nothing of others, whatever a policy says. There are few:
 * nothing is remembered.
 *
 * @param policy that has to accept them first; undefined: all are told
 */
export class OwnExport implements RoutePolicy {
  readonly setsMed: boolean;
  /** As the last step of an explanation. */
  readonly finish: Finish;
  readonly #store: AttributeStore;
  readonly #edits: readonly ((id: number) => number)[];
  readonly #policy: RoutePolicy | undefined;

  constructor(store: AttributeStore, localAs: number, edit: OwnEdit, policy?: RoutePolicy) {
    this.#store = store;
    this.#policy = policy;
    this.#edits = editsOf(store, localAs, edit, policy !== undefined);
    this.setsMed = edit.med !== undefined || policy?.setsMed === true;
    const step = { ruleSet: 'worker', rule: 'as it announces now', matched: true, changed: textsOf(edit) };
    this.finish = { step, apply: (attributes) => this.#edited(attributes) };
  }

  apply(source: number, family: number, destination: number, attributes: number): number {
    if (source !== OWN) return REJECT;
    const accepted = this.#policy?.apply(source, family, destination, attributes) ?? attributes;
    if (accepted === REJECT) return REJECT;
    const told = this.#edited(accepted);
    if (accepted === attributes || accepted === told) return told;
    this.#store.release(accepted);
    return this.#unchanged(told, attributes);
  }

  #edited(attributes: number): number {
    let id = attributes;
    for (const change of this.#edits) {
      const next = this.#unchanged(change(id), attributes);
      // What was made in between is nobody's.
      if (id !== attributes) this.#store.release(id);
      id = next;
    }
    return id;
  }

  /** A set that is again what it was before comes without a reference, as the caller has it. */
  #unchanged(id: number, attributes: number): number {
    if (id === attributes) this.#store.release(id);
    return id;
  }
}
