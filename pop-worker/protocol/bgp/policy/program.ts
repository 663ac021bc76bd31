import { Budget, NO_LIMITS, type PolicyLimits } from './budget.ts';
import { BUILT_IN } from './builtin/table.ts';
import { type Change, changesOf } from './changes.ts';
import { type Condition, conditionsOf, Need } from './conditions.ts';
import { faultText, type PolicyFault, type Wrong, within } from './fault.ts';
import { type Lists, listsOf, nameFault } from './lists.ts';
import type { Ending, Policies, Rule, RuleLists } from './rule.ts';

/** A rule that was checked. */
export interface ReadRule {
  readonly name: string;
  readonly conditions: readonly Condition[];
  readonly changes: readonly Change[];
  readonly call: ReadRuleSet | undefined;
  readonly end: Ending | undefined;
}

/** A rule set that was checked, with those that it calls. */
export interface ReadRuleSet {
  readonly name: string;
  readonly rules: readonly ReadRule[];
  /** Bits of `Need`, of all of its rules. */
  readonly needs: number;
  readonly setsMed: boolean;
  /** Rules that one route may be asked at most. */
  readonly cost: number;
  /** Rule sets of the longest chain of calls that begins with it, itself too. */
  readonly depth: number;
}

export interface ReadPolicies {
  /** Built-in ones too. */
  readonly ruleSets: ReadonlyMap<string, ReadRuleSet>;
  /** Each thing that is wrong; nothing may be used then. */
  readonly faults: readonly PolicyFault[];
  /** The same as sentences. */
  readonly errors: readonly string[];
}

/** That one route may be asked: of rule sets that call others, each call counts. */
const MAX_COST = 100_000;
/** Rule sets that call each other in a chain, built-in ones too: each is a frame of the stack, here and where routes are asked. */
export const MAX_DEPTH = 32;

/** Checks policies, and makes of them what routes are asked. Rule sets are read in the order in which they stand. */
export const readPolicies = (policies: Policies, limits: PolicyLimits = NO_LIMITS): ReadPolicies => {
  const faults: PolicyFault[] = [];
  const report = (fault: PolicyFault): void => void faults.push(fault);
  const lists = listsOf(policies, { prefixes: {}, ases: {}, budget: new Budget(limits) }, report);
  for (const name of Object.keys(policies.ruleSets)) {
    const what = nameFault('rule set', name);
    if (what !== undefined) report({ subject: `"${name}"`, what });
  }
  const reader = new Reader(policies, lists, report);
  for (const name of Object.keys(policies.ruleSets)) {
    if (isBuiltIn(name)) report({ ruleSet: name, what: 'is built in: give yours another name' });
    reader.read(name);
  }
  for (const name of Object.keys(BUILT_IN)) reader.read(name);
  return { ruleSets: reader.ruleSets, faults, errors: faults.map(faultText) };
};

/** Whether a rule set of that name need not be written. */
export const isBuiltIn = (name: string): boolean => Object.hasOwn(BUILT_IN, name);

class Reader {
  readonly ruleSets = new Map<string, ReadRuleSet>();
  readonly #policies: Policies;
  readonly #lists: Lists;
  readonly #report: (fault: PolicyFault) => void;
  /** Rule sets that are being read, each called by the one before. */
  readonly #open: string[] = [];

  /** @param lists of all rule sets @param report is told of each thing that is wrong */
  constructor(policies: Policies, lists: Lists, report: (fault: PolicyFault) => void) {
    this.#policies = policies;
    this.#lists = lists;
    this.#report = report;
  }

  read(name: string): ReadRuleSet | undefined {
    const known = this.ruleSets.get(name);
    if (known !== undefined) return known;
    const source = isBuiltIn(name) ? BUILT_IN : this.#policies.ruleSets;
    if (!Object.hasOwn(source, name)) return undefined;
    this.#open.push(name);
    const rules = this.#rules(name, source[name] as readonly Rule[]);
    this.#open.pop();
    const set = {
      name,
      rules,
      needs: rules.reduce((bits, rule) => bits | needsOf(rule), 0),
      setsMed: rules.some(({ changes, call }) => changes.some((one) => one.setsMed) || call?.setsMed === true),
      cost: rules.reduce((sum, { call }) => sum + 1 + (call?.cost ?? 0), 0),
      depth: rules.reduce((most, { call }) => Math.max(most, 1 + (call?.depth ?? 0)), 1),
    };
    if (set.cost > MAX_COST)
      this.#report({
        ruleSet: name,
        what: `asks one route more than ${MAX_COST} rules: call fewer, or match them before`,
      });
    this.ruleSets.set(name, set);
    return set;
  }

  /** What the rules of a set may name. */
  #listsOf(set: string): Lists {
    const { ownLists = {} } = this.#policies;
    if (!Object.hasOwn(ownLists, set)) return this.#lists;
    const report = (fault: PolicyFault): void => this.#report({ ...fault, ruleSet: set });
    return listsOf(ownLists[set] as RuleLists, this.#lists, report);
  }

  #rules(set: string, rules: readonly Rule[]): ReadRule[] {
    const lists = this.#listsOf(set);
    const names = new Set<string>();
    let last: string | undefined;
    return rules.map((rule, i) => {
      const name = rule.name ?? `rule ${i + 1}`;
      const subject = rule.name === undefined ? name : `rule "${name}"`;
      const wrong: Wrong = (what, field) =>
        this.#report({ ruleSet: set, rule: i, subject, what, ...(field !== undefined && { field }) });
      if (names.has(name)) wrong('has the name of another one: give each its own', 'name');
      names.add(name);
      if (last !== undefined) wrong(`is never asked: "${last}" before it ends for every route`);
      const read = this.#rule(rule, name, lists, wrong);
      if (read.conditions.length === 0 && read.end !== undefined) last = name;
      return read;
    });
  }

  #rule({ match = {}, set = {}, call, end }: Rule, name: string, lists: Lists, wrong: Wrong): ReadRule {
    const conditions = conditionsOf(match, lists, within(wrong, 'match'));
    const changes = changesOf(set, within(wrong, 'set'));
    if (changes.length === 0 && call === undefined && end === undefined)
      wrong('does nothing: give it something to set, to call, or an end');
    return {
      name,
      conditions,
      changes,
      call: call === undefined ? undefined : this.#called(call, within(wrong, 'call')),
      end,
    };
  }

  #called(name: string, wrong: Wrong): ReadRuleSet | undefined {
    if (this.#open.includes(name)) {
      const loop = [...this.#open.slice(this.#open.indexOf(name)), name].map((one) => `"${one}"`);
      wrong(`calls in a circle: ${loop.join(' calls ')}`);
      return undefined;
    }
    // What is not yet known is read while all of these are open: an own chain of calls that is too long ends here too.
    if (this.#open.length + (this.ruleSets.get(name)?.depth ?? 1) > MAX_DEPTH) {
      wrong(`calls "${name}" where more than ${MAX_DEPTH} rule sets call each other in a chain: put some into one`);
      return undefined;
    }
    const set = this.read(name);
    if (set === undefined) wrong(`calls the rule set "${name}", which there is not`);
    return set;
  }
}

const needsOf = ({ conditions, call }: ReadRule): number =>
  conditions.reduce((bits, { needs }) => bits | needs, call?.needs ?? 0);

/** @returns what is wrong with a rule set for routes that come in; undefined: nothing */
export const importError = ({ name, needs }: ReadRuleSet): string | undefined =>
  (needs & Need.target) === 0
    ? undefined
    : `rule set "${name}" asks whom a route goes to, which one that comes in has not: use it for export`;
