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

/** Finds what neighbours with some rules are told of a route. */
export class ExportFilter {
  readonly rules: ExportRules;
  readonly #store: AttributeStore;

  constructor(rules: ExportRules, store: AttributeStore) {
    this.rules = rules;
    this.#store = store;
  }

  /** @param set as import has left it @returns what is told, with a reference to the attributes */
  told(destination: number, set: number, source: Neighbour): number {
    const store = this.#store;
    const { rules } = this;
    if (!this.#maySend(set, source)) return 0;
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
    if (this.#hasNextHop(out, flags)) return (((out + 1) << FLAG_BITS) | flags) >>> 0;
    store.release(out);
    return 0;
  }

  /** RFC 1997, RFC 4456 §6, RFC 7999 §3.2, RFC 9234 §5, RFC 9494 §4.3. */
  #maySend(set: number, source: Neighbour): boolean {
    const { rules } = this;
    const flags = this.#store.columns.flags[set] as number;
    if ((flags & RouteFlag.noAdvertise) !== 0) return false;
    if ((flags & RouteFlag.llgrStale) !== 0 && !rules.takesStale) return false;
    if (!rules.isExternal) {
      const isFromInside = source.index !== OWN && !source.isExternal;
      return !isFromInside || rules.isReflectorClient || source.settings.isReflectorClient;
    }
    if ((flags & STAYS_INSIDE) !== 0) return false;
    // Of our own it is what the neighbour is asked for.
    if ((flags & RouteFlag.blackhole) !== 0 && source.index !== OWN) return false;
    return (flags & RouteFlag.hasOtc) === 0 || !refusesOtc(rules);
  }

  /** RFC 4456 §8: with ORIGINATOR_ID. Takes a reference, and gives one. */
  #identified(set: number, source: Neighbour): number {
    const store = this.#store;
    if (((store.columns.flags[set] as number) & RouteFlag.hasOriginator) !== 0) return set;
    const marked = withOriginator(store, set, source.identifier);
    store.release(set);
    return marked;
  }

  /** Whether there is a next hop that the neighbours take. */
  #hasNextHop(set: number, flags: number): boolean {
    const { family, isExternal, setsNextHop, ownNextHop, takesIpv6NextHop } = this.rules;
    if (isFlow(family)) return true;
    const { columns, nextHops } = this.#store;
    const hop = columns.nextHop[set] as number;
    const bytes = nextHops.lengthOf(hop);
    const isOurs = bytes === 0 || (setsNextHop && (flags & OutFlag.keepsNextHop) === 0);
    if (isOurs || (!isExternal && isOfLink(this.#store, hop))) return ownNextHop.length > 0;
    return (bytes === 4) === (family === Family.ipv4Unicast) || takesIpv6NextHop;
  }
}
