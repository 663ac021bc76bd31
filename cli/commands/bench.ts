import { BENCH_SUITES } from '#bench/registry.ts';
import { defineCommand } from '../command.ts';
import { runSuites } from '../run-suite.ts';

const options = {
  peers: { type: 'boolean', help: 'measure the peers of each case beside us, in the same run' },
  runs: {
    type: 'integer',
    placeholder: 'N',
    least: 1,
    most: 1000,
    help: 'measure N times: median, min and max (default: what the case states, mostly 1)',
  },
} as const;

export const bench = defineCommand({
  name: 'bench',
  summary: 'measure, beside peers where asked; without SUITE: list the suites',
  positionals: [
    { name: 'SUITE', help: 'what to measure', optional: true, choices: BENCH_SUITES.map(({ name }) => name) },
    { name: 'CASE', help: 'only these of its cases', optional: true, repeated: true },
  ],
  options,
  examples: [
    { run: 'cloudbridge bench', does: 'list the suites' },
    { run: 'cloudbridge bench lab --runs 5 --json', does: 'five runs, one JSON object a figure' },
  ],
  run: ({ options, words, output }) =>
    runSuites(output, BENCH_SUITES, words, { kind: 'bench', runs: options.runs, peers: options.peers ?? false }),
});
