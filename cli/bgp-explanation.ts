import type { ExplainedRoute } from '#pop-worker/routing/bgp/explained.ts';
import type { ExplainedStep, Explanation } from '#protocol/bgp/policy/explain.ts';

/**
 * What a policy makes of one route, for people: each rule with what it did, and what came of it.
 *
 * @param sent of a route on its way out, what of it goes out or why nothing
 */
export const explanationRows = (
  { ruleSet, accepted, steps, before, after }: Explanation,
  { told = after, withheld }: Pick<ExplainedRoute, 'told' | 'withheld'> = {},
): [string, string][] => [
  ['route', attributesText(before)],
  ...steps.map((step): [string, string] => [`${step.ruleSet} › ${step.rule}`, stepText(step)]),
  [ruleSet, accepted ? 'accepted' : steps.at(-1)?.end === 'reject' ? 'rejected' : 'rejected: no rule accepts it'],
  ...(accepted ? [outcomeRow(withheld, changedText(before, told))] : []),
];

const outcomeRow = (withheld: string | undefined, changed: string): [string, string] =>
  withheld === undefined ? ['becomes', changed] : ['not told', withheld];

const attributesText = (attributes: Explanation['before']): string =>
  attributes.map(([name, value]) => (value === '' ? name : `${name} ${value}`)).join(', ');

const stepText = ({ matched, missed, changed, called, end }: ExplainedStep): string => {
  if (!matched) return `does not match: ${missed}`;
  const done = [
    ...(changed.length > 0 ? [`sets ${changed.join(', ')}`] : []),
    ...(called === undefined ? [] : [`calls ${called}`]),
    ...(end === undefined ? [] : [`${end}s`.replace('returns', 'goes back')]),
  ];
  return done.join('; then ');
};

const changedText = (before: Explanation['before'], after: Explanation['after']): string => {
  const isIn = (list: Explanation['before'], [name, value]: readonly [string, string]): boolean =>
    list.some((one) => one[0] === name && one[1] === value);
  const gone = before.filter(([name]) => !after.some((one) => one[0] === name));
  const changes = [...after.filter((one) => !isIn(before, one)), ...gone.map(([name]) => [`no ${name}`, ''] as const)];
  return changes.length === 0 ? 'as it was' : attributesText(changes);
};
