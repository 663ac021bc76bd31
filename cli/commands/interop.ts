import type { SuiteRow } from '#bench/suite.ts';
import { BGP_PEERS, INTEROP_SUITES, QUIC_SUITE } from '#interop/registry.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import { listSuites, runSuites } from '../run-suite.ts';
import { didYouMean } from '../suggest.ts';

const SUITES = [QUIC_SUITE, ...INTEROP_SUITES];

/** The suite whose cases are run with these peers alone. @throws UsageError */
const bgpWith = (names: readonly string[]): SuiteRow => {
  const unknown = names.find((name) => !BGP_PEERS.some((peer) => peer === name));
  if (unknown !== undefined)
    throw new UsageError(
      `There is no peer \`${unknown}\`: there is ${BGP_PEERS.join(', ')}.${didYouMean(unknown, BGP_PEERS)}`,
    );
  const peers = BGP_PEERS.filter((peer) => names.includes(peer));
  return { name: 'bgp', summary: '', load: async () => (await import('#interop/bgp.ts')).casesWith(peers) };
};

const options = {
  peers: {
    type: 'string',
    placeholder: 'NAMES',
    help: `only with these, parted by commas; quic: ${QUIC_SUITE.peers.join(', ')}; bgp: ${BGP_PEERS.join(', ')}`,
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
    { run: 'cloudbridge interop bgp md5 gtsm --peers BIRD,FRR', does: 'two cases with two peers' },
    { run: 'cloudbridge interop quic retry v2 --peers quic-go --role server', does: 'two cases, we as server' },
  ],
  run: async ({ options: { peers, role, traces }, words, output }) => {
    const [suite, ...cases] = words;
    if (suite === undefined) return listSuites(output, SUITES);
    if (suite !== QUIC_SUITE.name) {
      if ((role ?? traces ?? (suite === 'bgp' ? undefined : peers)) !== undefined)
        throw new UsageError(`\`${suite}\` takes no ${suite === 'bgp' ? 'options but --peers' : 'options'}.`);
      const suites = peers === undefined ? INTEROP_SUITES : [bgpWith(peers.split(','))];
      return runSuites(output, suites, words, { kind: 'interop', runs: 1, peers: true });
    }
    const { runQuic } = await import('../interop-quic.ts');
    return runQuic(output, { cases, peers: peers?.split(',') ?? [], role }, traces);
  },
});
