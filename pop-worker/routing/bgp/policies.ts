import type { SessionSettings } from '#protocol/bgp/fsm/settings.ts';
import { Need } from '#protocol/bgp/policy/conditions.ts';
import { type Explanation, explain, type Finish } from '#protocol/bgp/policy/explain.ts';
import { Policy } from '#protocol/bgp/policy/policy.ts';
import { type ReadRuleSet, readPolicies } from '#protocol/bgp/policy/program.ts';
import { type PolicyContext, type PolicyNeighbour, PolicyRoute } from '#protocol/bgp/policy/route.ts';
import { type Policies, RPKI_NAMES, type RpkiName } from '#protocol/bgp/policy/rule.ts';
import { validityOf } from '#protocol/bgp/policy/validity.ts';
import { ACCEPT_ALL, OWN, REJECT, REJECT_ALL, type RoutePolicy } from '#protocol/bgp/rib/route-policy.ts';

const OWN_ONLY: RoutePolicy = {
  setsMed: false,
  apply: (source, _family, _destination, attributes) => (source === OWN ? attributes : REJECT),
};

/** Policies that need no rules. `all`: every route; `own`: those that begin here; `none`. */
const PLAIN: Readonly<Record<string, RoutePolicy>> = { all: ACCEPT_ALL, none: REJECT_ALL, own: OWN_ONLY };

/** The same as rules, to be explained. */
const PLAIN_RULES: Policies['ruleSets'] = {
  all: [{ name: 'every route', end: 'accept' }],
  none: [{ name: 'no policy', end: 'reject' }],
  own: [{ name: 'begins here', match: { from: ['own'] }, end: 'accept' }],
};

const nameOf = (name: string | undefined, { localAs, remoteAs }: SessionSettings): string =>
  name ?? (localAs === remoteAs ? 'all' : 'none');

/** Policies by the names that neighbours have them by. Neighbours that may be told the same get the same object. */
export class PolicyBook {
  readonly #ruleSets: ReadonlyMap<string, ReadRuleSet>;
  readonly #context: Omit<PolicyContext, 'localAs' | 'to'>;
  readonly #shared = new Map<string, Policy>();

  /** @param policies that were checked */
  constructor(policies: Policies, context: Omit<PolicyContext, 'localAs' | 'to'>) {
    this.#ruleSets = readPolicies(policies).ruleSets;
    this.#context = context;
  }

  /**
   * @param name of a rule set, or a plain one; undefined: nothing with an external neighbour (RFC 8212), all with an
   *   internal one
   * @param to whom routes go, of export
   */
  policyOf(name: string | undefined, session: SessionSettings, to?: PolicyNeighbour): RoutePolicy {
    const { localAs } = session;
    const wanted = nameOf(name, session);
    const plain = PLAIN[wanted];
    if (plain !== undefined) return plain;
    const ruleSet = this.#ruleSets.get(wanted);
    if (ruleSet === undefined) throw new RangeError(`there is no policy "${wanted}"`);
    const context = { ...this.#context, localAs };
    if ((ruleSet.needs & Need.target) !== 0) return new Policy(ruleSet, { ...context, to });
    const key = `${wanted} ${localAs}`;
    const known = this.#shared.get(key) ?? new Policy(ruleSet, context);
    this.#shared.set(key, known);
    return known;
  }

  /** Whether a policy asks what the RPKI says. @param name, session as of `policyOf` */
  asksValidity(name: string | undefined, session: SessionSettings): boolean {
    const ruleSet = this.#ruleSets.get(nameOf(name, session));
    return ruleSet !== undefined && (ruleSet.needs & Need.validity) !== 0;
  }

  /** What the RPKI says of a route of a neighbour. @param session its own; the rest as of `RoutePolicy.apply` */
  validityOf(
    { localAs }: SessionSettings,
    source: number,
    family: number,
    destination: number,
    attributes: number,
  ): RpkiName {
    const route = new PolicyRoute({ ...this.#context, localAs });
    route.begin(source, family, destination, attributes);
    return RPKI_NAMES[validityOf(route)];
  }

  /** What the RPKI says has become another: policies that ask for it are others from now on. */
  forgetValidity(): void {
    for (const [key, { ruleSet }] of this.#shared) if ((ruleSet.needs & Need.validity) !== 0) this.#shared.delete(key);
  }

  /** What a policy makes of a route, rule by rule. @param name, session, to as of `policyOf`; the rest as of `explain` */
  explain(
    name: string | undefined,
    session: SessionSettings,
    to: PolicyNeighbour | undefined,
    source: number,
    family: number,
    destination: number,
    attributes: number,
    finish?: Finish,
  ): Explanation {
    const wanted = nameOf(name, session);
    const ruleSet = this.#ruleSets.get(wanted) ?? PLAIN_SETS.get(wanted);
    if (ruleSet === undefined) throw new RangeError(`there is no policy "${wanted}"`);
    const context = { ...this.#context, localAs: session.localAs, to };
    return explain(new Policy(ruleSet, context), context, source, family, destination, attributes, finish);
  }
}

const PLAIN_SETS = readPolicies({ ruleSets: PLAIN_RULES }).ruleSets;
