import type { SuiteRow } from '#bench/suite.ts';
import { SIM_SUITES, type SimSuite } from '#sim/suites.ts';
import { defineCommand } from '../command.ts';
import { runSuites } from '../run-suite.ts';

const options = {
  seeds: {
    type: 'integer',
    placeholder: 'N',
    least: 1,
    most: 1000,
    help: 'seeds 1 to N: median, min and max (default 1)',
  },
} as const;

/** Each run of a scenario has a seed of its own, so it can be repeated to the bit. */
const asRow = ({ name, summary, load }: SimSuite): SuiteRow => ({
  name,
  summary,
  load: async () =>
    (await load()).map((one) => ({
      name: one.name,
      summary: one.summary,
      run: async ({ run }) => one.run(run + 1),
    })),
});

export const sim = defineCommand({
  name: 'sim',
  summary: 'run the protocols in virtual time; without SUITE: list the suites',
  positionals: [
    { name: 'SUITE', help: 'what to run', optional: true, choices: SIM_SUITES.map(({ name }) => name) },
    { name: 'CASE', help: 'only these of its cases', optional: true, repeated: true },
  ],
  options,
  examples: [
    { run: 'cloudbridge sim', does: 'list the suites' },
    {
      run: 'cloudbridge sim bbr queue --seeds 5 --json',
      does: 'one scenario with five seeds, one JSON object a figure',
    },
  ],
  run: ({ options, words, output }) =>
    runSuites(output, SIM_SUITES.map(asRow), words, { kind: 'sim', runs: options.seeds ?? 1, peers: true }),
});
