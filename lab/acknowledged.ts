import type { ControlPlane } from './control-plane.ts';
import { OPERATOR } from './edge.ts';
import { LabError } from './errors.ts';

/** What the API answered for, as text by where it is: `/v1/tenants/acme/devices/laptop`. */
export type Acknowledged = ReadonlyMap<string, string>;

type Item = Readonly<Record<string, unknown>>;

/** What a worker reports of itself is nothing that anybody was promised. */
const withoutReport = ({ status: _, ...promised }: Item): Item => promised;

/** Lists everything of these tenants and PoPs that the API lists, by one caller's calls; there is something at each. */
export const listAll = async (
  control: ControlPlane,
  tenants: readonly string[],
  pops: readonly string[],
): Promise<Map<string, string>> => {
  const lists = [
    '/v1/tenants',
    ...tenants.flatMap((tenant) => [`/v1/tenants/${tenant}/networks`, `/v1/tenants/${tenant}/devices`]),
    '/v1/pops',
    ...pops.map((pop) => `/v1/pops/${pop}/workers`),
    '/v1/revisions',
  ];
  const answers = await control.call(
    OPERATOR,
    ...lists.map((url) => ({ method: 'GET', url: `${url}?page.size=1000` })),
  );
  const listed = lists.flatMap((url, i) => {
    const items = (answers[i]?.[url.slice(url.lastIndexOf('/') + 1)] ?? []) as Item[];
    if (items.length === 0) throw new LabError(`The API lists nothing at ${url}.`);
    return items.map(
      (item) => [`${url}/${item['id'] ?? item['number']}`, JSON.stringify(withoutReport(item))] as const,
    );
  });
  return new Map(listed);
};

/** What of `before` is not there any more, or differs. */
export const missingOf = (before: Acknowledged, now: Acknowledged): string[] =>
  [...before].filter(([name, text]) => now.get(name) !== text).map(([name]) => name);

/** What nobody was told of. */
export const unknownOf = (before: Acknowledged, now: Acknowledged): string[] =>
  [...now.keys()].filter((name) => !before.has(name));
