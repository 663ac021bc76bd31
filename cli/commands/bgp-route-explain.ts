import type { ExplainedRoute, PrefixExplained } from '#pop-worker/routing/bgp/explained.ts';
import { explanationRows } from '../bgp-explanation.ts';
import { askBgp, BGP_OR_WORKER_SOCKET_OPTION } from '../bgp-socket.ts';
import { defineCommand } from '../command.ts';
import { CommandError, SUCCESS, UsageError } from '../failure.ts';

const titleOf = ({ from, to, isBest, rpki }: ExplainedRoute): string =>
  to === undefined
    ? [`from ${from}`, ...(isBest ? ['the best path'] : []), ...(rpki === undefined ? [] : [`rpki ${rpki}`])].join(', ')
    : `from ${from} to ${to}`;

export const bgpRouteExplain = defineCommand({
  name: 'bgp route explain',
  summary: 'which rule of a BGP speaker or worker on this machine did what with a prefix',
  description: [
    'Each path on its way in, and the best one on its way to each neighbour: as it goes out, or why it does not whatever policy',
    'says. What is refused before import is asked (loops, leaks by roles) is not among it.',
  ].join('\n'),
  positionals: [{ name: 'PREFIX', help: 'such as 198.51.100.0/24; of an address, the longest prefix that it is in' }],
  options: BGP_OR_WORKER_SOCKET_OPTION,
  examples: [{ run: 'cloudbridge bgp route explain 198.51.100.0/24', does: 'rule by rule' }],
  run: async ({ options: { socket }, words: [prefix], output }) => {
    if (prefix === undefined) throw new UsageError('`bgp route explain` needs a PREFIX.');
    const answer = (await askBgp(socket, 'explain', { prefix })) as unknown as PrefixExplained;
    if (answer.routes.length === 0) throw new CommandError(`There is no route to ${prefix}.`);
    const rows = answer.routes.flatMap((route): [string, string][] => [
      [titleOf(route), ''],
      ...explanationRows(route.explanation, route),
    ]);
    output.record(answer, answer.prefix === prefix ? rows : [['prefix', answer.prefix], ...rows]);
    return SUCCESS;
  },
});
