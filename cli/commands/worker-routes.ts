import { defineCommand } from '../command.ts';
import { FAILURE, SUCCESS } from '../failure.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';

/** What a worker answers to `routes`. */
interface RoutesAnswer {
  readonly routes: Readonly<Record<'wanted' | 'installed' | 'conflicting' | 'refused' | 'waiting', number>>;
  readonly rules: Readonly<Record<'wanted' | 'installed' | 'refused', number>>;
  readonly nextHops: Readonly<Record<'installed' | 'unreachable', number>> & { readonly missing: readonly string[] };
  readonly changes: Readonly<Record<'added' | 'replaced' | 'removed', number>>;
  readonly repairs: number;
  readonly overruns: number;
  readonly checks: number;
  readonly lastRefusal?: string;
}

const rows = ({ routes, rules, nextHops, changes, repairs, overruns, checks, lastRefusal }: RoutesAnswer) =>
  [
    ['routes', `${routes.installed} of ${routes.wanted}, ${routes.waiting} waiting`],
    ['conflicting', `${routes.conflicting}`],
    ['refused', `${routes.refused + rules.refused}`],
    ['rules', `${rules.installed} of ${rules.wanted}`],
    ['next hops', `${nextHops.installed}, sets without a way: ${nextHops.unreachable}`],
    ['missing hops', nextHops.missing.join('; ') || 'none'],
    ['changes', `${changes.added} added, ${changes.replaced} replaced, ${changes.removed} removed`],
    ['repairs', `${repairs}`],
    ['overruns', `${overruns}`],
    ['checks', `${checks}`],
    ['last refusal', lastRefusal ?? 'none'],
  ] as const;

export const workerRoutes = defineCommand({
  name: 'worker routes',
  summary: "what a worker on this machine has in the kernel's routing tables",
  description: [
    'Conflicting are routes in whose place something lies that is not ours; it is left alone. Repairs are changes by others',
    'that were mended; a missing hop is one that a route wants and by which nothing can leave: the others carry its share; after an overrun everything was compared. Exit code 1 when a route conflicts or is refused, or has',
    'no way.',
  ].join('\n'),
  options: SOCKET_OPTION,
  examples: [
    { run: 'cloudbridge worker routes', does: 'a table' },
    { run: 'cloudbridge worker routes --json', does: 'one object' },
  ],
  run: async ({ options, output }) => {
    const answer = await ask(options.socket, 'routes');
    const status = answer as unknown as RoutesAnswer;
    output.record(answer, rows(status));
    const bad = status.routes.conflicting + status.routes.refused + status.rules.refused + status.nextHops.unreachable;
    return bad === 0 ? SUCCESS : FAILURE;
  },
});
