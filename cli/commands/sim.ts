import type { CaseContext, SuiteRow } from '#bench/suite.ts';
import { SIM_SUITES, type SimSuite } from '#sim/suites.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import { runSuites } from '../run-suite.ts';

const options = {
  seeds: {
    type: 'integer',
    placeholder: 'N',
    least: 1,
    most: 1000,
    help: 'seeds 1 to N: median, min and max (default 1)',
  },
  seed: { type: 'integer', placeholder: 'N', least: 1, most: 1_000_000, help: 'this seed alone, to see it again' },
  trace: { type: 'boolean', help: 'say what happens, a line at a time, on stderr, where a scenario can tell' },
} as const;

/** Of how many seeds it is said how far they are. */
const MANY_SEEDS = 20;
const TELLINGS = 10;

const tellProgress = ({ run, runs = 1, remark }: CaseContext): void => {
  const step = Math.ceil(runs / TELLINGS);
  if (runs >= MANY_SEEDS && run > 0 && run % step === 0) remark(`${run} of ${runs} seeds`);
};

/** Each run of a scenario has a seed of its own, so it can be repeated to the bit. */
const asRow = ({ name, summary, load }: SimSuite, first: number, trace: boolean): SuiteRow => ({
  name,
  summary,
  load: async () =>
    (await load()).map((one) => ({
      name: one.name,
      summary: one.summary,
      run: async (context) => {
        tellProgress(context);
        return one.run(first + context.run, trace ? context.remark : undefined);
      },
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
    { run: 'cloudbridge sim anycast mesh-fails --seed 7 --trace', does: 'what happened with seed 7, step by step' },
  ],
  run: ({ options: { seed, seeds, trace = false }, words, output }) => {
    if (seed !== undefined && seeds !== undefined) throw new UsageError('Either --seeds N or --seed N, not both.');
    const rows = SIM_SUITES.map((suite) => asRow(suite, seed ?? 1, trace));
    return runSuites(output, rows, words, { kind: 'sim', runs: seeds ?? 1, peers: true });
  },
});
