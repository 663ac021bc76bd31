import { INTEROP_SUITES, QUIC_SUITE } from '#interop/registry.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import { listSuites, runSuites } from '../run-suite.ts';

const SUITES = [QUIC_SUITE, ...INTEROP_SUITES];

const options = {
  peers: {
    type: 'string',
    placeholder: 'NAMES',
    help: `quic: only with these, parted by commas: ${QUIC_SUITE.peers.join(', ')}`,
  },
  role: {
    type: 'string',
    placeholder: 'ROLE',
    choices: QUIC_SUITE.roles,
    help: 'quic: only with us as client, or as server',
  },
  traces: { type: 'string', placeholder: 'FOLDER', help: 'quic: keep pcap files of both ends of the link there' },
} as const;

export const interop = defineCommand({
  name: 'interop',
  summary: 'run against other implementations; without SUITE: list the suites',
  positionals: [
    { name: 'SUITE', help: 'what to prove', optional: true, choices: SUITES.map(({ name }) => name) },
    { name: 'CASE', help: 'only these of its cases', optional: true, repeated: true },
  ],
  options,
  examples: [
    { run: 'cloudbridge interop', does: 'list the suites' },
    { run: 'cloudbridge interop quic retry v2 --peers quic-go --role server', does: 'two cases, we as server' },
  ],
  run: async ({ options: { peers, role, traces }, words, output }) => {
    const [suite, ...cases] = words;
    if (suite === undefined) return listSuites(output, SUITES);
    if (suite !== QUIC_SUITE.name) {
      if ((peers ?? role ?? traces) !== undefined) throw new UsageError(`\`${suite}\` takes no options.`);
      return runSuites(output, INTEROP_SUITES, words, { kind: 'interop', runs: 1, peers: true });
    }
    const { runQuic } = await import('../interop-quic.ts');
    return runQuic(output, { cases, peers: peers?.split(',') ?? [], role }, traces);
  },
});
