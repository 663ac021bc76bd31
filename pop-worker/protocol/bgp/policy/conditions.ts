import { RouteFlag } from '../rib/attribute-columns.ts';
import { attributeEnd, findAttribute, valueStart } from '../rib/edits.ts';
import { OWN } from '../rib/route-policy.ts';
import { AttributeCode } from '../wire/attributes/codes.ts';
import { addressBits, familyName } from '../wire/families.ts';
import { type CommunityPattern, parseCommunityPattern } from './community-pattern.ts';
import { type Wrong, within } from './fault.ts';
import type { Lists } from './lists.ts';
import { parsePathPattern } from './path-pattern.ts';
import { PrefixList, type PrefixRange, parsePrefixRange, wordsOf } from './prefix-list.ts';
import type { PolicyNeighbour, PolicyRoute } from './route.ts';
import {
  type FamilyName,
  type Match,
  ORIGIN_NAMES,
  OWN_NAME,
  type Range,
  ROLE_NAMES,
  type RoleName,
  RPKI_NAMES,
} from './rule.ts';
import { validityOf } from './validity.ts';

/** What besides attributes, neighbour and family a condition looks at. */
export const Need = { prefix: 1, target: 2, validity: 4 } as const;

/** One question to a route. */
export interface Condition {
  /** As people read it. */
  readonly text: string;
  /** Bits of `Need`. */
  readonly needs: number;
  test(route: PolicyRoute): boolean;
}

/** LOCAL_PREF of a route that has none, as decisions take it. */
const DEFAULT_LOCAL_PREF = 100;
const MOST_32 = 0xffff_ffff;

/** @param wrong is told of each thing that is wrong, with the field of `match` @returns what is asked, cheapest first */
export const conditionsOf = (match: Match, lists: Lists, wrong: Wrong): Condition[] => {
  const at = (field: keyof Match): Wrong => within(wrong, field);
  const conditions: (Condition | undefined)[] = [
    match.families && inFamilies(match.families, at('families')),
    match.from && isFrom(match.from, at('from')),
    match.fromRoles && roles('from', match.fromRoles, at('fromRoles'), sourceOf, 0),
    match.to && isTo(match.to, at('to')),
    match.toRoles && roles('to', match.toRoles, at('toRoles'), targetOf, Need.target),
    match.origins && inOrigins(match.origins, at('origins')),
    match.localPref && inRange('local-pref', match.localPref, at('localPref'), localPrefOf),
    match.med && inRange('med', match.med, at('med'), medOf),
    match.pathLength && inRange('path length', match.pathLength, at('pathLength'), pathLengthOf),
    match.attributes && hasAttributes(match.attributes, at('attributes')),
    match.nextHops && nextHopIn(match.nextHops, lists, at('nextHops')),
    match.communities && hasCommunity(match.communities, at('communities')),
    ...(match.allCommunities ?? []).map((text) => hasCommunity([text], at('allCommunities'))),
    match.paths && pathIs(match.paths, lists, at('paths')),
    match.prefixes && prefixIn(match.prefixes, lists, at('prefixes')),
    match.rpki && rpkiIs(match.rpki, at('rpki')),
    match.not && negated(match.not, lists, at('not')),
  ];
  return conditions.filter((one) => one !== undefined);
};

const notEmpty = (name: string, list: readonly unknown[], wrong: Wrong): void => {
  if (list.length === 0) wrong(`asks for one of no ${name}: name some, or leave ${name} out`);
};

const inFamilies = (families: readonly FamilyName[], wrong: Wrong): Condition => {
  notEmpty('families', families, wrong);
  return {
    text: `family ${families.join(' or ')}`,
    needs: 0,
    test: ({ family }) => (families as readonly string[]).includes(familyName(family)),
  };
};

const isCalled = (names: ReadonlySet<string>, neighbour: PolicyNeighbour | undefined): boolean =>
  neighbour !== undefined && (names.has(neighbour.name) || names.has(neighbour.address));

const isFrom = (list: readonly string[], wrong: Wrong): Condition => {
  notEmpty('neighbours', list, wrong);
  const names = new Set(list);
  const isOwn = names.has(OWN_NAME);
  return {
    text: `from ${list.join(' or ')}`,
    needs: 0,
    test: (route) => (route.source === OWN ? isOwn : isCalled(names, sourceOf(route))),
  };
};

const isTo = (list: readonly string[], wrong: Wrong): Condition => {
  notEmpty('neighbours', list, wrong);
  const names = new Set(list);
  return { text: `to ${list.join(' or ')}`, needs: Need.target, test: (route) => isCalled(names, targetOf(route)) };
};

const sourceOf = ({ source, context }: PolicyRoute): PolicyNeighbour | undefined =>
  source === OWN ? undefined : context.neighbour(source);
const targetOf = ({ context }: PolicyRoute): PolicyNeighbour | undefined => context.to;

const roles = (
  side: string,
  list: readonly RoleName[],
  wrong: Wrong,
  neighbourOf: (route: PolicyRoute) => PolicyNeighbour | undefined,
  needs: number,
): Condition => {
  notEmpty('roles', list, wrong);
  return {
    text: `${side} a ${list.join(' or ')}`,
    needs,
    test: (route) => {
      const role = neighbourOf(route)?.role;
      return role !== undefined && list.includes(ROLE_NAMES[role] as RoleName);
    },
  };
};

const inOrigins = (origins: readonly string[], wrong: Wrong): Condition => {
  notEmpty('origins', origins, wrong);
  return {
    text: `origin ${origins.join(' or ')}`,
    needs: 0,
    test: ({ context, attributes }) =>
      origins.includes(ORIGIN_NAMES[context.store.columns.origin[attributes] as number] as string),
  };
};

const localPrefOf = ({ context, attributes }: PolicyRoute): number => {
  const { flags, localPref } = context.store.columns;
  const isThere = ((flags[attributes] as number) & RouteFlag.hasLocalPref) !== 0;
  return isThere ? (localPref[attributes] as number) : DEFAULT_LOCAL_PREF;
};

const medOf = ({ context, attributes }: PolicyRoute): number => {
  const { flags, med } = context.store.columns;
  return ((flags[attributes] as number) & RouteFlag.hasMed) !== 0 ? (med[attributes] as number) : Number.NaN;
};

const pathLengthOf = ({ context, attributes }: PolicyRoute): number =>
  context.store.columns.pathLength[attributes] as number;

const inRange = (name: string, range: Range, wrong: Wrong, numberOf: (route: PolicyRoute) => number): Condition => {
  const { least = 0, most = MOST_32 } = range;
  if (least > most) wrong(`asks for a ${name} of at least ${least} and at most ${most}, which nothing is`);
  if (range.least === undefined && range.most === undefined) wrong(`asks for a ${name} without saying which`);
  const ends = [
    ...(range.least === undefined ? [] : [`at least ${least}`]),
    ...(range.most === undefined ? [] : [`at most ${most}`]),
  ];
  return {
    text: `${name} ${ends.join(' and ')}`,
    needs: 0,
    test: (route) => {
      const value = numberOf(route);
      return value >= least && value <= most;
    },
  };
};

const hasAttributes = (codes: readonly number[], wrong: Wrong): Condition => {
  notEmpty('attributes', codes, wrong);
  return {
    text: `attribute ${codes.join(' or ')}`,
    needs: 0,
    test: ({ context, attributes }) => codes.some((code) => findAttribute(context.store, attributes, code) >= 0),
  };
};

const hasCommunity = (texts: readonly string[], wrong: Wrong): Condition => {
  notEmpty('communities', texts, wrong);
  const patterns = communityPatterns(texts, wrong);
  return {
    text: `community ${texts.join(' or ')}`,
    needs: 0,
    test: ({ context: { store }, attributes }) =>
      patterns.some((pattern) => {
        const at = findAttribute(store, attributes, pattern.code);
        if (at < 0) return false;
        const buffer = store.bytesOf(attributes);
        const end = attributeEnd(buffer, at);
        for (let one = valueStart(buffer, at); one < end; one += pattern.bytes)
          if (pattern.test(buffer, one)) return true;
        return false;
      }),
  };
};

/** Of those that are none, `wrong` is told. */
export const communityPatterns = (texts: readonly string[], wrong: Wrong): CommunityPattern[] =>
  texts.flatMap((text) => {
    const pattern = parseCommunityPattern(text);
    if (pattern !== undefined) return [pattern];
    wrong(`names "${text}", which is no community; write 64500:100, 64500:1:100, rt:64500:100 or a well-known name`);
    return [];
  });

/** Entries of the lists that a pattern names. */
const namedAses = (text: string, ases: Lists['ases']): number =>
  [...text.matchAll(/@([A-Za-z0-9_.-]+)/g)].reduce(
    (sum, [, name = '']) => sum + (Object.hasOwn(ases, name) ? (ases[name]?.length ?? 0) : 0),
    0,
  );

const pathIs = (texts: readonly string[], lists: Lists, wrong: Wrong): Condition => {
  notEmpty('path patterns', texts, wrong);
  const { ases, budget } = lists;
  const patterns = texts.flatMap((text) => {
    // Once too much was asked for, nothing more is made of it.
    if (!budget.takes('pathSteps', namedAses(text, ases), wrong)) return [];
    const pattern = parsePathPattern(text, ases);
    if (typeof pattern !== 'string') return budget.takes('pathSteps', pattern.steps, wrong) ? [pattern] : [];
    wrong(`is wrong: ${pattern}`);
    return [];
  });
  return {
    text: `path ${texts.join(' or ')}`,
    needs: 0,
    test: ({ context: { store }, attributes }) => {
      const buffer = store.bytesOf(attributes);
      const at = findAttribute(store, attributes, AttributeCode.asPath);
      const start = at < 0 ? 0 : valueStart(buffer, at);
      const end = at < 0 ? 0 : attributeEnd(buffer, at);
      return patterns.some((pattern) => pattern.test(buffer, start, end));
    },
  };
};

const prefixList = (texts: readonly string[], lists: Lists, wrong: Wrong): PrefixList => {
  const isWithin = ({ length }: readonly PrefixRange[]): boolean => lists.budget.takes('prefixes', length, wrong);
  return new PrefixList(
    texts.flatMap((text) => {
      const ranges = rangesOf(text, lists, wrong);
      return isWithin(ranges) ? ranges : [];
    }),
  );
};

const rangesOf = (text: string, lists: Lists, wrong: Wrong): readonly PrefixRange[] => {
  if (!text.startsWith('@')) {
    const range = parsePrefixRange(text);
    if (typeof range !== 'string') return [range];
    wrong(`is wrong: ${range}`);
    return [];
  }
  const name = text.slice(1);
  if (Object.hasOwn(lists.prefixes, name)) return lists.prefixes[name] as readonly PrefixRange[];
  wrong(`names the prefix list "${name}", which there is not`);
  return [];
};

const prefixIn = (texts: readonly string[], lists: Lists, wrong: Wrong): Condition => {
  notEmpty('prefixes', texts, wrong);
  const list = prefixList(texts, lists, wrong);
  return {
    text: `prefix ${texts.join(' or ')}`,
    needs: Need.prefix,
    test: (route) => route.hasPrefix() && list.has(addressBits(route.family), route.address, route.length),
  };
};

const nextHopIn = (texts: readonly string[], lists: Lists, wrong: Wrong): Condition => {
  notEmpty('next hops', texts, wrong);
  const list = prefixList(
    texts.map((text) =>
      text.includes('/') || text.startsWith('@') ? text : `${text}/${text.includes(':') ? 128 : 32}`,
    ),
    lists,
    wrong,
  );
  return {
    text: `next hop ${texts.join(' or ')}`,
    needs: 0,
    test: ({ context: { store }, attributes }) => {
      const hop = store.columns.nextHop[attributes] as number;
      const length = store.nextHops.lengthOf(hop);
      if (length === 0) return false;
      const start = store.nextHops.startOf(hop);
      const bytes = length === 4 ? 4 : 16;
      const words = wordsOf(store.nextHops.bytesOf(hop).subarray(start, start + bytes));
      const bits = bytes === 4 ? 32 : 128;
      for (let prefix = bits; prefix >= 0; prefix--) {
        if (list.has(bits, words, prefix)) return true;
        if (prefix > 0) clearBit(words, prefix - 1);
      }
      return false;
    },
  };
};

const clearBit = (words: Uint32Array, bit: number): void => {
  words[bit >>> 5] = (words[bit >>> 5] as number) & ~(1 << (31 - (bit & 31)));
};

const rpkiIs = (states: readonly string[], wrong: Wrong): Condition => {
  notEmpty('RPKI states', states, wrong);
  return {
    text: `rpki ${states.join(' or ')}`,
    needs: Need.prefix | Need.validity,
    test: (route) => states.includes(RPKI_NAMES[validityOf(route)] as string),
  };
};

const negated = ({ not: inner, ...match }: Match, lists: Lists, wrong: Wrong): Condition => {
  if (inner !== undefined) wrong('has a "not" inside of a "not"', 'not');
  const conditions = conditionsOf(match, lists, wrong);
  if (conditions.length === 0) wrong('has a "not" with nothing in it');
  return {
    text: `not (${conditions.map(({ text }) => text).join(', ')})`,
    needs: conditions.reduce((needs, one) => needs | one.needs, 0),
    test: (route) => !conditions.every((one) => one.test(route)),
  };
};
