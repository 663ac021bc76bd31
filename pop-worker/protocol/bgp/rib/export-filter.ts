import { Family, isFlow } from '../wire/families.ts';
import { RouteFlag } from './attribute-columns.ts';
import type { AttributeStore } from './attribute-store.ts';
import { withOriginator, withoutMed } from './edits.ts';
import { type ExportRules, refusesOtc } from './export-rules.ts';
import type { Neighbour } from './neighbour.ts';
import { isOfLink } from './next-hops.ts';
import { OutFlag } from './outgoing.ts';
import { OWN, REJECT } from './route-policy.ts';

/** What is told of a route: the id of its attributes and 1 more, above three bits of `OutFlag`; 0: nothing. */
const FLAG_BITS = 3;

export const attributesOf = (told: number): number => (told >>> FLAG_BITS) - 1;

/** @returns bits of `OutFlag` */
export const flagsOf = (told: number): number => told & ((1 << FLAG_BITS) - 1);

const STAYS_INSIDE = RouteFlag.noExport | RouteFlag.noExportSubconfed;

/** What keeps a route from a neighbour besides policy, for people. */
const WITHHELD = {
  noAdvertise: 'it has NO_ADVERTISE (RFC 1997)',
  stale: 'it is stale, and the neighbour knows nothing of such routes (RFC 9494 §4.3)',
  inside: 'it is from an internal neighbour, and neither that one nor this is a client of ours (RFC 4456 §6)',
  noExport: 'it has NO_EXPORT or NO_EXPORT_SUBCONFED, and the neighbour is external (RFC 1997)',
  blackhole: 'it has BLACKHOLE, and the neighbour is external (RFC 7999 §3.2)',
  customers: 'it is for customers only, and the neighbour is none (RFC 9234 §5)',
  noHop: 'there is no next hop that the neighbour takes: no address of ours is of that family',
  hopOfIpv6: 'its next hop is of the other family, and the neighbour takes no such one (RFC 8950)',
} as const;

/** Finds what neighbours with some rules are told of a route. */
export class ExportFilter {
  readonly rules: ExportRules;
  /** Why the last `told` was nothing, where it was no policy. */
  withheld: string | undefined;
  /** A route was not told for want of an address of ours as its next hop. */
  lacksNextHop = false;
  readonly #store: AttributeStore;

  constructor(rules: ExportRules, store: AttributeStore) {
    this.rules = rules;
    this.#store = store;
  }

  /** @param set as import has left it @returns what is told, with a reference to the attributes */
  told(destination: number, set: number, source: Neighbour): number {
    const store = this.#store;
    const { rules } = this;
    this.withheld = this.#refusal(set, source);
    if (this.withheld !== undefined) return 0;
    const isForeign = source.index !== OWN;
    const hasForeignMed = isForeign && ((store.columns.flags[set] as number) & RouteFlag.hasMed) !== 0;
    let flags = isForeign ? 0 : OutFlag.keepsMed;
    if (isForeign && rules.isExternal && rules.policy.setsMed) flags = OutFlag.keepsMed;
    const isStripped = hasForeignMed && flags !== 0 && !rules.isServed;
    const offered = isStripped ? withoutMed(store, set) : set;
    let out = rules.policy.apply(source.index, rules.family, destination, offered);
    if (out === offered && !isStripped) store.retain(out);
    else if (out !== offered && isStripped) store.release(offered);
    if (out === REJECT) return 0;
    if (store.columns.nextHop[out] !== store.columns.nextHop[set]) flags |= OutFlag.keepsNextHop;
    if (!rules.isExternal && isForeign && !source.isExternal) {
      flags |= OutFlag.isReflected;
      out = this.#identified(out, source);
    }
    this.withheld = this.#hopRefusal(out, flags);
    if (this.withheld === undefined) return (((out + 1) << FLAG_BITS) | flags) >>> 0;
    if (this.withheld === WITHHELD.noHop) this.lacksNextHop = true;
    store.release(out);
    return 0;
  }

  /** @returns undefined: it may be sent */
  #refusal(set: number, source: Neighbour): string | undefined {
    const { rules } = this;
    const flags = this.#store.columns.flags[set] as number;
    if ((flags & RouteFlag.noAdvertise) !== 0) return WITHHELD.noAdvertise;
    if ((flags & RouteFlag.llgrStale) !== 0 && !rules.takesStale) return WITHHELD.stale;
    if (!rules.isExternal) {
      const isFromInside = source.index !== OWN && !source.isExternal;
      const isTold = !isFromInside || rules.isReflectorClient || source.settings.isReflectorClient;
      return isTold ? undefined : WITHHELD.inside;
    }
    if ((flags & STAYS_INSIDE) !== 0) return WITHHELD.noExport;
    // Of our own it is what the neighbour is asked for.
    if ((flags & RouteFlag.blackhole) !== 0 && source.index !== OWN) return WITHHELD.blackhole;
    return (flags & RouteFlag.hasOtc) === 0 || !refusesOtc(rules) ? undefined : WITHHELD.customers;
  }

  /** RFC 4456 §8: with ORIGINATOR_ID. Takes a reference, and gives one. */
  #identified(set: number, source: Neighbour): number {
    const store = this.#store;
    if (((store.columns.flags[set] as number) & RouteFlag.hasOriginator) !== 0) return set;
    const marked = withOriginator(store, set, source.identifier);
    store.release(set);
    return marked;
  }

  /** @returns undefined: there is a next hop that the neighbours take */
  #hopRefusal(set: number, flags: number): string | undefined {
    const { family, isExternal, setsNextHop, ownNextHop, takesIpv6NextHop } = this.rules;
    if (isFlow(family)) return undefined;
    const { columns, nextHops } = this.#store;
    const hop = columns.nextHop[set] as number;
    const bytes = nextHops.lengthOf(hop);
    const isOurs = bytes === 0 || (setsNextHop && (flags & OutFlag.keepsNextHop) === 0);
    if (isOurs || (!isExternal && isOfLink(this.#store, hop)))
      return ownNextHop.length > 0 ? undefined : WITHHELD.noHop;
    const isTaken = (bytes === 4) === (family === Family.ipv4Unicast) || takesIpv6NextHop;
    return isTaken ? undefined : WITHHELD.hopOfIpv6;
  }
}
