import { OWN, REJECT, type RoutePolicy } from '../rib/route-policy.ts';
import { AttributeSet } from './attribute-set.ts';
import { Need } from './conditions.ts';
import type { ReadRule, ReadRuleSet } from './program.ts';
import { ResultCache, UNKNOWN } from './result-cache.ts';
import { type PolicyContext, PolicyRoute } from './route.ts';
import type { Ending } from './rule.ts';
import type { TraceStep } from './trace.ts';

/** Of sources that fit a tag beside the family. */
const MAX_TAGGED_SOURCE = 0x7fff;

/**
 * A rule set, ready for routes. What became of a set of attributes is kept by its id, and by the neighbour and family; of
 * rule sets that look at prefixes, what a rule has made of one.
 */
export class Policy implements RoutePolicy {
  readonly setsMed: boolean;
  readonly ruleSet: ReadRuleSet;
  readonly #route: PolicyRoute;
  readonly #results: ResultCache | undefined;
  readonly #changed = new Map<ReadRule, ResultCache>();

  constructor(ruleSet: ReadRuleSet, context: PolicyContext) {
    this.ruleSet = ruleSet;
    this.setsMed = ruleSet.setsMed;
    this.#route = new PolicyRoute(context);
    this.#results = (ruleSet.needs & Need.prefix) === 0 ? new ResultCache(context.store) : undefined;
  }

  apply(source: number, family: number, destination: number, attributes: number): number {
    const results = source > MAX_TAGGED_SOURCE ? undefined : this.#results;
    if (results === undefined) return this.run(source, family, destination, attributes, undefined);
    const tag = (source << 16) | family;
    const known = results.find(attributes, tag);
    if (known !== UNKNOWN) return known;
    const result = this.run(source, family, destination, attributes, undefined);
    results.put(attributes, tag, result);
    return result;
  }

  /** Asks the rules, whatever is known. @param trace is told what each did @returns what `apply` does */
  run(
    source: number,
    family: number,
    destination: number,
    attributes: number,
    trace: ((step: TraceStep) => void) | undefined,
  ): number {
    const route = this.#route;
    route.begin(source, family, destination, attributes);
    if (this.#ask(this.ruleSet, trace) !== 'accept') {
      route.drop();
      return REJECT;
    }
    if (route.attributes === attributes) route.drop();
    return route.attributes;
  }

  #ask(set: ReadRuleSet, trace: ((step: TraceStep) => void) | undefined): Ending | undefined {
    const route = this.#route;
    for (const rule of set.rules) {
      const missed = rule.conditions.find((condition) => !condition.test(route));
      trace?.({ set: set.name, rule, missed });
      if (missed !== undefined) continue;
      if (rule.changes.length > 0 && !this.#change(rule)) return 'reject';
      const ending = rule.call === undefined ? undefined : this.#ask(rule.call, trace);
      if (ending === 'accept' || ending === 'reject') return ending;
      if (rule.end !== undefined) return rule.end;
    }
    return undefined;
  }

  /** @returns whether the route can be as the rule has it */
  #change(rule: ReadRule): boolean {
    const route = this.#route;
    const { store, localAs } = route.context;
    let known = this.#changed.get(rule);
    if (known === undefined) {
      known = new ResultCache(store);
      this.#changed.set(rule, known);
    }
    const before = route.attributes;
    let after = known.find(before, OWN);
    if (after === UNKNOWN) {
      const set = new AttributeSet(store, before);
      for (const change of rule.changes) change.apply(set, localAs);
      after = set.intern(store);
      known.put(before, OWN, after);
      // The one more reference that it has got is not needed.
      if (after === before) store.release(after);
    }
    if (after === REJECT) return false;
    if (after !== before) route.become(after);
    return true;
  }
}
