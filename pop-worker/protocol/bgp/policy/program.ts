import { BUILT_IN } from './builtin/table.ts';
import { type Change, changesOf } from './changes.ts';
import { type Condition, conditionsOf, type Lists, Need } from './conditions.ts';
import { type NumberRange, parseNumberRange } from './number-range.ts';
import { type PrefixRange, parsePrefixRange } from './prefix-list.ts';
import type { Ending, Policies, Rule } from './rule.ts';

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
}

export interface ReadPolicies {
  /** Built-in ones too. */
  readonly ruleSets: ReadonlyMap<string, ReadRuleSet>;
  /** A sentence for each thing that is wrong; nothing may be used then. */
  readonly errors: readonly string[];
}

/** That one route may be asked: of rule sets that call others, each call counts. */
const MAX_COST = 100_000;
const MOST_AS = 0xffff_ffff;

/** Checks policies, and makes of them what routes are asked. */
export const readPolicies = (policies: Policies): ReadPolicies => {
  const errors: string[] = [];
  const lists = listsOf(policies, errors);
  checkNames('rule set', policies.ruleSets, errors);
  const reader = new Reader(policies.ruleSets, lists, errors);
  for (const name of Object.keys(policies.ruleSets)) {
    if (Object.hasOwn(BUILT_IN, name)) errors.push(`rule set "${name}" is built in: give yours another name`);
    reader.read(name);
  }
  for (const name of Object.keys(BUILT_IN)) reader.read(name);
  return { ruleSets: reader.ruleSets, errors };
};

/** As a path pattern can have it behind its `@`. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

const checkNames = (kind: string, named: Readonly<Record<string, unknown>>, errors: string[]): void => {
  for (const name of Object.keys(named))
    if (!NAME.test(name))
      errors.push(`"${name}" is no name for a ${kind}: use up to 64 letters, digits, "-", "_" and "."`);
};

const listsOf = ({ prefixLists = {}, asLists = {} }: Policies, errors: string[]): Lists => {
  checkNames('prefix list', prefixLists, errors);
  checkNames('list of ASes', asLists, errors);
  const prefixes: Record<string, readonly PrefixRange[]> = {};
  for (const [name, texts] of Object.entries(prefixLists)) {
    prefixes[name] = texts.flatMap((text) => {
      const range = parsePrefixRange(text);
      if (typeof range !== 'string') return [range];
      errors.push(`prefix list "${name}" is wrong: ${range}`);
      return [];
    });
  }
  const ases: Record<string, readonly NumberRange[]> = {};
  for (const [name, texts] of Object.entries(asLists)) {
    ases[name] = texts.flatMap((text) => {
      const range = parseNumberRange(text, MOST_AS);
      if (range !== undefined) return [range];
      errors.push(`AS list "${name}" has "${text}" where an AS number or a range, 64512-65534, is to be`);
      return [];
    });
  }
  return { prefixes, ases };
};

class Reader {
  readonly ruleSets = new Map<string, ReadRuleSet>();
  readonly #written: Readonly<Record<string, readonly Rule[]>>;
  readonly #lists: Lists;
  readonly #errors: string[];
  /** Rule sets that are being read, each called by the one before. */
  readonly #open: string[] = [];

  constructor(written: Readonly<Record<string, readonly Rule[]>>, lists: Lists, errors: string[]) {
    this.#written = written;
    this.#lists = lists;
    this.#errors = errors;
  }

  read(name: string): ReadRuleSet | undefined {
    const known = this.ruleSets.get(name);
    if (known !== undefined) return known;
    const source = Object.hasOwn(BUILT_IN, name) ? BUILT_IN : this.#written;
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
    };
    if (set.cost > MAX_COST)
      this.#errors.push(
        `rule set "${name}" asks one route more than ${MAX_COST} rules: call fewer, or match them before`,
      );
    this.ruleSets.set(name, set);
    return set;
  }

  #rules(set: string, rules: readonly Rule[]): ReadRule[] {
    const names = new Set<string>();
    let last: string | undefined;
    return rules.map((rule, i) => {
      const name = rule.name ?? `rule ${i + 1}`;
      const wrong = (what: string): void => {
        this.#errors.push(`rule set "${set}", ${rule.name === undefined ? name : `rule "${name}"`} ${what}`);
      };
      if (names.has(name)) wrong('has the name of another one: give each its own');
      names.add(name);
      if (last !== undefined) wrong(`is never asked: "${last}" before it ends for every route`);
      const read = this.#rule(rule, name, wrong);
      if (read.conditions.length === 0 && read.end !== undefined) last = name;
      return read;
    });
  }

  #rule({ match = {}, set = {}, call, end }: Rule, name: string, wrong: (what: string) => void): ReadRule {
    const conditions = conditionsOf(match, this.#lists, wrong);
    const changes = changesOf(set, wrong);
    if (changes.length === 0 && call === undefined && end === undefined)
      wrong('does nothing: give it something to set, to call, or an end');
    return { name, conditions, changes, call: call === undefined ? undefined : this.#called(call, wrong), end };
  }

  #called(name: string, wrong: (what: string) => void): ReadRuleSet | undefined {
    if (this.#open.includes(name)) {
      const loop = [...this.#open.slice(this.#open.indexOf(name)), name].map((one) => `"${one}"`);
      wrong(`calls in a circle: ${loop.join(' calls ')}`);
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
