import { isRoot } from '#scripts/setup/paths.mjs';
import { defineCommand } from '../command.ts';
import type { Check, Finding, State } from '../doctor/check.ts';
import { NETWORK_CHECKS } from '../doctor/network.ts';
import { PEER_CHECKS } from '../doctor/peers.ts';
import { RUNTIME_CHECKS } from '../doctor/runtime.ts';
import { SCHEDULING_CHECKS } from '../doctor/scheduling.ts';
import { FAILURE, SUCCESS } from '../failure.ts';
import type { Output } from '../output.ts';

const CHECKS: readonly Check[] = [...RUNTIME_CHECKS, ...SCHEDULING_CHECKS, ...NETWORK_CHECKS, ...PEER_CHECKS];

type Row = Finding & Pick<Check, 'feature' | 'neededBy'>;

const COLOURS = { ok: 'green', limited: 'yellow', missing: 'red' } as const satisfies Record<State, string>;

const rowColour = ({ state, neededBy }: Row) => (state === 'missing' && neededBy !== 'up' ? 'yellow' : COLOURS[state]);

const show = (output: Output, rows: readonly Row[]): void =>
  output.list<Row>(
    [
      { heading: 'state', cell: (row) => output.paint(rowColour(row), row.state) },
      { heading: 'feature', cell: ({ feature }) => feature },
      { heading: 'needed by', cell: ({ neededBy }) => neededBy },
      { heading: 'found', cell: ({ found }) => found },
      { heading: 'to mend', cell: ({ mend }) => mend ?? '' },
    ],
    rows,
  );

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'what this machine can do, feature by feature, and what to install',
  description: 'Changes nothing on the machine. Exit code 1 if something that `up` needs is missing.',
  options: {},
  examples: [
    { run: 'cloudbridge doctor', does: 'a table' },
    { run: 'cloudbridge doctor --json', does: 'one object a feature' },
  ],
  run: async ({ output }) => {
    const rows: Row[] = [];
    for (const { feature, neededBy, probe } of CHECKS) rows.push({ feature, neededBy, ...(await probe()) });
    show(output, rows);
    const lacking = rows.filter(({ state, neededBy }) => state === 'missing' && neededBy === 'up');
    if (lacking.length === 0) return SUCCESS;
    output.remark(`\`up\` needs what is missing: ${lacking.map(({ feature }) => feature).join(', ')}.`);
    if (!isRoot) output.remark('`up --unprivileged` does without namespaces, TUN and nftables.');
    return FAILURE;
  },
});
