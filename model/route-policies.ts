/** Route policies of the API as the core of BGP has them, and what is wrong with them in the API's words. */
import { isMessage, type Message } from '@bufbuild/protobuf';
import type {
  RouteAsList,
  RouteChanges,
  RouteMatch,
  RoutePolicy,
  RoutePrefixList,
  RouteRange,
  RouteRule,
} from '#proto/gen/cloudbridge/v1/route_policy_pb.ts';
import type { PolicyFault } from '#protocol/bgp/policy/fault.ts';
import { importError, isBuiltIn, type ReadPolicies, readPolicies } from '#protocol/bgp/policy/program.ts';
import type { Changes, Match, Policies, Range, Rule, RuleLists } from '#protocol/bgp/policy/rule.ts';
import { type PolicyProblem, wordProblems } from './route-policy-words.ts';

/** What neighbours of a file may have in place of a policy; no policy of the API is called so. */
const PLAIN = ['all', 'none', 'own'];

/** Each policy is a rule set by its id, with lists of its own. */
export const policiesOf = (policies: readonly RoutePolicy[]): Policies => ({
  ruleSets: Object.fromEntries(policies.map(({ id, rules }) => [id, rules.map(ruleOf)])),
  ownLists: Object.fromEntries(policies.map((policy) => [policy.id, listsOf(policy)])),
});

/** Of the policies of an installation: reading as much takes a second. */
const LIMITS = { prefixes: 200_000, pathSteps: 200_000 };

/** Checked, with what is built in. */
export const readRoutePolicies = (policies: readonly RoutePolicy[]): ReadPolicies =>
  readPolicies(policiesOf(policies), LIMITS);

/** Those that are named, and those that they call. */
export const withCalled = (policies: readonly RoutePolicy[], names: Iterable<string>): RoutePolicy[] => {
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  const wanted = new Set(names);
  // Names that are added meanwhile have their turn too: chains of calls have been checked by nobody yet.
  for (const name of wanted) for (const { call } of byId.get(name)?.rules ?? []) if (call !== '') wanted.add(call);
  return policies.filter(({ id }) => wanted.has(id));
};

/** Each thing that is wrong, of all of them. @param read of `readRoutePolicies` */
export const policyProblems = (policies: readonly RoutePolicy[], read: ReadPolicies): PolicyProblem[] => [
  ...policies.flatMap((policy) => [...ownProblems(policy), ...wordProblems(policy)]),
  ...read.faults.flatMap((fault) => problemOf(policies, fault) ?? []),
];

/**
 * Why a neighbour cannot have this policy.
 *
 * @returns one sentence without its beginning; undefined: it can
 */
export const referenceProblem = (
  { ruleSets }: Pick<ReadPolicies, 'ruleSets'>,
  way: 'import' | 'export',
  name: string,
): string | undefined => {
  const ruleSet = isBuiltIn(name) ? undefined : ruleSets.get(name);
  if (ruleSet === undefined) return `there is no route policy ${JSON.stringify(name)}`;
  return way === 'export' || importError(ruleSet) === undefined
    ? undefined
    : `route policy ${JSON.stringify(name)} asks whom a route goes to, which one that comes in has not: use it for export`;
};

/** @returns whether a message, or one inside of it, has a field that this version does not know */
export const hasUnknownField = (message: Message): boolean =>
  (message.$unknown?.length ?? 0) > 0 ||
  Object.values(message)
    .flat()
    .some((value) => isMessage(value) && hasUnknownField(value));

const ownProblems = ({ id, prefixLists, asLists }: RoutePolicy): PolicyProblem[] => [
  ...(PLAIN.includes(id) || isBuiltIn(id)
    ? [{ policy: id, field: 'id', description: 'is built in: give yours another name' }]
    : []),
  ...twice(id, 'prefix_lists', prefixLists),
  ...twice(id, 'as_lists', asLists),
];

const twice = (policy: string, field: string, lists: readonly { readonly name: string }[]): PolicyProblem[] =>
  lists.flatMap(({ name }, i) =>
    lists.findIndex((other) => other.name === name) === i
      ? []
      : [{ policy, field: `${field}[${i}].name`, description: `is the name of another one: ${JSON.stringify(name)}` }],
  );

/** `match.allCommunities` → `match.all_communities`. */
const snake = (path: string): string => path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** @returns undefined for what is said by `ownProblems` already */
const problemOf = (policies: readonly RoutePolicy[], fault: PolicyFault): PolicyProblem | undefined => {
  const { ruleSet = '', rule, field, subject, what } = fault;
  const description = subject === undefined ? what : `${subject} ${what}`;
  if (rule !== undefined) {
    return { policy: ruleSet, field: `rules[${rule}]${field === undefined ? '' : `.${snake(field)}`}`, description };
  }
  if (isBuiltIn(ruleSet)) return undefined;
  const [kind, ...name] = field?.split('.') ?? [];
  if (kind !== 'prefixLists' && kind !== 'asLists') return { policy: ruleSet, field: 'rules', description };
  const lists = policies.find(({ id }) => id === ruleSet)?.[kind] ?? [];
  const index = lists.findIndex((list) => list.name === name.join('.'));
  return { policy: ruleSet, field: `${snake(kind)}[${index}]`, description };
};

const listsOf = ({ prefixLists, asLists }: RoutePolicy): RuleLists => ({
  prefixLists: Object.fromEntries(prefixLists.map(({ name, prefixes }: RoutePrefixList) => [name, prefixes])),
  asLists: Object.fromEntries(asLists.map(({ name, ases }: RouteAsList) => [name, ases])),
});

/** In messages nothing and an empty list are one. */
const some = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list);

const ruleOf = ({ name, match, set, call, end }: RouteRule): Rule => ({
  name: name || undefined,
  match: match && { ...matchOf(match), not: match.not && matchOf(match.not) },
  set: set && changesOf(set),
  call: call || undefined,
  // Words were checked, or are refused by `wordProblems`.
  end: (end || undefined) as Rule['end'],
});

const rangeOf = (range: RouteRange | undefined): Range | undefined => range && { least: range.least, most: range.most };

const matchOf = (match: RouteMatch): Omit<Match, 'not'> => ({
  families: some(match.families) as Match['families'],
  prefixes: some(match.prefixes),
  communities: some(match.communities),
  allCommunities: some(match.allCommunities),
  paths: some(match.paths),
  from: some(match.from),
  fromRoles: some(match.fromRoles) as Match['fromRoles'],
  to: some(match.to),
  toRoles: some(match.toRoles) as Match['toRoles'],
  nextHops: some(match.nextHops),
  rpki: some(match.rpki) as Match['rpki'],
  origins: some(match.origins) as Match['origins'],
  localPref: rangeOf(match.localPref),
  med: rangeOf(match.med),
  pathLength: rangeOf(match.pathLength),
  attributes: some(match.attributes),
});

const changesOf = (set: RouteChanges): Changes => ({
  localPref: set.localPref,
  med: set.noMed ? 'none' : set.med,
  origin: (set.origin || undefined) as Changes['origin'],
  nextHop: set.nextHop || undefined,
  prepend: set.prepend && { times: set.prepend.times, as: set.prepend.as || undefined },
  removeCommunities: some(set.removeCommunities),
  addCommunities: some(set.addCommunities),
});
