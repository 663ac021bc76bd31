import { INTEROP_SUITES } from '#interop/registry.ts';
import { defineCommand } from '../command.ts';
import { runSuites } from '../run-suite.ts';

export const interop = defineCommand({
  name: 'interop',
  summary: 'run against other implementations; without SUITE: list the suites',
  positionals: [
    { name: 'SUITE', help: 'what to prove', optional: true, choices: INTEROP_SUITES.map(({ name }) => name) },
    { name: 'CASE', help: 'only these of its cases', optional: true, repeated: true },
  ],
  options: {},
  examples: [{ run: 'cloudbridge interop', does: 'list the suites' }],
  run: ({ words, output }) => runSuites(output, INTEROP_SUITES, words, { kind: 'interop', runs: 1, peers: true }),
});
