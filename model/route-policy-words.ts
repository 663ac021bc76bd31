import type { RouteMatch, RoutePolicy } from '#proto/gen/cloudbridge/v1/route_policy_pb.ts';
import { FAMILY_NAMES, ORIGIN_NAMES, ROLE_NAMES, RPKI_NAMES } from '#protocol/bgp/policy/rule.ts';

/** What is wrong with one policy. */
export interface PolicyProblem {
  readonly policy: string;
  /** Of the resource, such as `rules[1].match.prefixes`. */
  readonly field: string;
  /** One sentence; of a rule it begins with its name. */
  readonly description: string;
}

const ENDS = ['accept', 'reject', 'return'] as const;

/** Fields of a match whose values are words of a table. */
const MATCH_WORDS = [
  ['families', 'families', FAMILY_NAMES],
  ['fromRoles', 'from_roles', ROLE_NAMES],
  ['toRoles', 'to_roles', ROLE_NAMES],
  ['rpki', 'rpki', RPKI_NAMES],
  ['origins', 'origins', ORIGIN_NAMES],
] as const;

type Found = Pick<PolicyProblem, 'field' | 'description'>;

const oneOf = (words: readonly string[], field: string, values: readonly string[], isList: boolean): Found[] =>
  values.flatMap((value, i) =>
    value === '' || words.includes(value)
      ? []
      : [
          {
            field: isList ? `${field}[${i}]` : field,
            description: `is ${JSON.stringify(value)}, which is none of ${words.join(', ')}`,
          },
        ],
  );

const listProblems = (field: string, match: RouteMatch): Found[] =>
  MATCH_WORDS.flatMap(([local, name, words]) => oneOf(words, `${field}.${name}`, match[local], true));

/** Looks no deeper than a rule may be, however deep a message is. */
const matchProblems = (field: string, { not, ...match }: RouteMatch): Found[] => [
  ...listProblems(field, match),
  ...(not === undefined ? [] : listProblems(`${field}.not`, not)),
  ...(not?.not === undefined ? [] : [{ field: `${field}.not.not`, description: 'is one too many' }]),
];

/**
 * Words that no rule can have. The API takes no others; a revision of a newer control plane may have some, and a rule
 * without what this version cannot read would be another rule.
 */
export const wordProblems = ({ id, rules }: RoutePolicy): PolicyProblem[] =>
  rules
    .flatMap(({ match, set, end }, i) => [
      ...(match === undefined ? [] : matchProblems(`rules[${i}].match`, match)),
      ...oneOf(ORIGIN_NAMES, `rules[${i}].set.origin`, [set?.origin ?? ''], false),
      ...oneOf(ENDS, `rules[${i}].end`, [end], false),
    ])
    .map((found) => ({ policy: id, ...found }));
