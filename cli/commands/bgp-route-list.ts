import { askBgp, BGP_OR_WORKER_SOCKET_OPTION } from '../bgp-socket.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';

const DEFAULT_MOST = 1000;

const options = {
  ...BGP_OR_WORKER_SOCKET_OPTION,
  family: {
    type: 'string',
    placeholder: 'FAMILY',
    choices: ['ipv4-unicast', 'ipv6-unicast', 'ipv4-flow', 'ipv6-flow'],
    help: 'only of this one',
  },
  prefix: { type: 'string', placeholder: 'PREFIX', help: 'only to exactly this prefix, or flow specification' },
  from: { type: 'string', placeholder: 'NEIGHBOR', help: 'only from the neighbour of this name' },
  best: { type: 'boolean', help: 'only those that were chosen' },
  limit: {
    type: 'integer',
    placeholder: 'COUNT',
    least: 1,
    help: `at most so many paths (default ${DEFAULT_MOST})`,
  },
} as const;

interface Route {
  readonly prefix: string;
  readonly from?: string;
  readonly pathId: number;
  readonly best: boolean;
  readonly usable: boolean;
  readonly stale: boolean;
  readonly rpki?: string;
  readonly nextHop: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Page {
  readonly routes: readonly Route[];
  readonly next?: Readonly<Record<string, number>>;
}

const marks = ({ best, usable, stale, rpki }: Route): string =>
  [
    ...(best ? ['best'] : []),
    ...(usable ? [] : ['unusable']),
    ...(stale ? ['stale'] : []),
    ...(rpki === undefined ? [] : [`rpki ${rpki}`]),
  ].join(' ');

const FIELDS = [
  { heading: 'PREFIX', cell: ({ prefix }: Route) => prefix },
  { heading: 'NEXT HOP', cell: ({ nextHop }: Route) => nextHop || 'ours' },
  { heading: 'FROM', cell: ({ from }: Route) => from ?? 'here' },
  { heading: 'ID', align: 'right', cell: ({ pathId }: Route) => (pathId === 0 ? '' : `${pathId}`) },
  { heading: 'PATH', cell: ({ attributes }: Route) => attributes['AS_PATH'] ?? '' },
  { heading: '', cell: marks },
] as const;

export const bgpRouteList = defineCommand({
  name: 'bgp route list',
  summary: 'the routes that a BGP speaker or worker on this machine has',
  description: [
    'In no order. Asked page by page, so that a full table delays no neighbour: what comes and goes meanwhile may be there or',
    'not. As JSON each path has all its attributes, as import has left them.',
  ].join('\n'),
  options,
  examples: [
    { run: 'cloudbridge bgp route list --best', does: 'what is used' },
    { run: 'cloudbridge bgp route list --prefix 192.0.2.0/24 --json', does: 'every path to it, with all attributes' },
  ],
  run: async ({ options: { socket, family, prefix, from, best = false, limit = DEFAULT_MOST }, output }) => {
    const routes: Route[] = [];
    let cursor: Page['next'];
    do {
      const query = { family, prefix, from, best, cursor };
      const page = (await askBgp(socket, 'routes', query)) as unknown as Page;
      routes.push(...page.routes);
      cursor = page.next;
    } while (cursor !== undefined && routes.length < limit);
    output.list(FIELDS, routes.slice(0, limit));
    if (cursor !== undefined || routes.length > limit)
      output.remark(`There are more: --limit takes another count than ${limit}.`);
    return SUCCESS;
  },
});
