/** Route policy in a configuration file: the data of `#protocol/bgp/policy/rule.ts`, checked as far as it can be without a network. */
import { z } from 'zod';
import { readPolicies } from '#protocol/bgp/policy/program.ts';
import {
  FAMILY_NAMES,
  type Match,
  ORIGIN_NAMES,
  type Policies,
  ROLE_NAMES,
  RPKI_NAMES,
  type Rule,
} from '#protocol/bgp/policy/rule.ts';

const u32 = z.int().min(0).max(0xffff_ffff);
const texts = z.array(z.string().max(1000));
const range = z.strictObject({ least: u32.optional(), most: u32.optional() });

const PlainMatch = z.strictObject({
  families: z.array(z.enum(FAMILY_NAMES)).optional(),
  /** `10.0.0.0/8 ge 9 le 24`, or `@` and the name of a prefix list. */
  prefixes: texts.optional(),
  /** `64500:100`, `64500:1-99`, `64500:1:*`, `rt:64500:100`, `blackhole`. */
  communities: texts.optional(),
  all_communities: texts.optional(),
  /** Of the whole path: `64500 .*`, `.* [64512-65534 @list] .*`. */
  paths: texts.optional(),
  /** Names or addresses of neighbours; `own` for routes that begin here. */
  from: texts.optional(),
  /** What that neighbour is to us. */
  from_roles: z.array(z.enum(ROLE_NAMES)).optional(),
  to: texts.optional(),
  to_roles: z.array(z.enum(ROLE_NAMES)).optional(),
  next_hops: texts.optional(),
  rpki: z.array(z.enum(RPKI_NAMES)).optional(),
  origins: z.array(z.enum(ORIGIN_NAMES)).optional(),
  local_pref: range.optional(),
  med: range.optional(),
  path_length: range.optional(),
  /** Codes of path attributes. */
  attributes: z.array(z.int().min(1).max(255)).optional(),
});

const RuleFile = z.strictObject({
  name: z.string().min(1).max(64).optional(),
  match: PlainMatch.extend({ not: PlainMatch.optional() }).optional(),
  set: z
    .strictObject({
      local_pref: u32.optional(),
      med: z.union([u32, z.literal('none')]).optional(),
      origin: z.enum(ORIGIN_NAMES).optional(),
      next_hop: z.string().optional(),
      prepend: z.strictObject({ times: z.int(), as: u32.min(1).optional() }).optional(),
      remove_communities: texts.optional(),
      add_communities: texts.optional(),
    })
    .optional(),
  call: z.string().optional(),
  end: z.enum(['accept', 'reject', 'return']).optional(),
});

const PolicyTables = z.strictObject({
  prefix_lists: z.record(z.string(), texts).default({}),
  as_lists: z.record(z.string(), texts).default({}),
  rule_sets: z.record(z.string(), z.array(RuleFile).max(10_000)).default({}),
});

/** `policy` of a file; each thing that is wrong with a rule is said in a sentence that names it. */
export const PolicyFile = PolicyTables.superRefine((file, context) => {
  for (const message of readPolicies(policiesOf(file)).errors) context.addIssue({ code: 'custom', message });
});
export type PolicyFile = z.infer<typeof PolicyTables>;

export const policiesOf = ({ prefix_lists, as_lists, rule_sets }: PolicyFile): Policies => ({
  prefixLists: prefix_lists,
  asLists: as_lists,
  ruleSets: Object.fromEntries(Object.entries(rule_sets).map(([set, rules]) => [set, rules.map(ruleOf)])),
});

const ruleOf = ({ name: named, match, set, call, end }: z.infer<typeof RuleFile>): Rule => ({
  name: named,
  match: match && { ...matchOf(match), not: match.not && matchOf(match.not) },
  set: set && {
    localPref: set.local_pref,
    med: set.med,
    origin: set.origin,
    nextHop: set.next_hop,
    prepend: set.prepend,
    removeCommunities: set.remove_communities,
    addCommunities: set.add_communities,
  },
  call,
  end,
});

const matchOf = (match: z.infer<typeof PlainMatch>): Omit<Match, 'not'> => ({
  families: match.families,
  prefixes: match.prefixes,
  communities: match.communities,
  allCommunities: match.all_communities,
  paths: match.paths,
  from: match.from,
  fromRoles: match.from_roles,
  to: match.to,
  toRoles: match.to_roles,
  nextHops: match.next_hops,
  rpki: match.rpki,
  origins: match.origins,
  localPref: match.local_pref,
  med: match.med,
  pathLength: match.path_length,
  attributes: match.attributes,
});
