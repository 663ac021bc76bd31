import { runCommand } from '#lab/command.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from '../harness/beside.ts';
import { withIdentity } from '../harness/identity.ts';
import { type Pair, withPair } from '../harness/network.ts';
import { withPrograms } from '../harness/program.ts';
import { residentBytesOf } from '../harness/usage.ts';
import { OURS, PERF_NAME, PERF_PEERS, type PerfImplementation } from '../implementations/quic.ts';
import { type FloodKind, SPOOFED } from '../quic-flood/order.ts';
import type { Traffic } from '../quic-flood/traffic.ts';
import { Skip, type SuiteCase } from '../suite.ts';
import { type FloodTold, floodFigures } from './flood-figures.ts';

const MTU = 1500;
const PORT = 4433;
const CLIENT_CPU = 0;
const SERVER_CPU = 1;
const SECONDS = 3;
const LIMIT_MS = 40_000;
const SAMPLE_MS = 50;
const MAIN = new URL('../quic-flood/main.ts', import.meta.url).pathname;
/** quic-go alone: the others are built for minutes, and answer strangers much as it does. */
const PEERS = PERF_PEERS.filter(({ peer }) => peer === 'quic-go');

/** Makes the addresses that packets claim to come from the client's own, and tells the server the way there. */
const routeSpoofed = async ({ client, server }: Pair): Promise<void> => {
  await runCommand('ip', ['-n', client.namespace, 'route', 'add', 'local', SPOOFED, 'dev', 'lo']);
  await runCommand('ip', ['-n', server.namespace, 'route', 'add', SPOOFED, 'via', client.address]);
};

/** `threads`: of our server, for handshakes; on the one CPU that it has in any case. */
type Flood = { readonly threads?: number; readonly kind: FloodKind; readonly rate: number; readonly traffic: Traffic };

/** Runs the server and the program that floods it. */
const underFlood = (
  one: PerfImplementation,
  pair: Pair,
  identity: Parameters<typeof one.server>[0]['identity'],
  flood: Flood,
) =>
  withPrograms(async (start): Promise<FloodTold> => {
    const { address } = pair.server;
    const { threads = 1, ...what } = flood;
    const order = { address, port: PORT, identity, groups: 'x25519' as const };
    const spec = await one.server(order);
    const args = [...spec.args, ...(one.peer === undefined ? ['-threads', String(threads)] : [])];
    const server = start({ ...spec, args }, { ...pair.server, cpu: SERVER_CPU });
    await server.ready;
    const words = { address, port: PORT, ca: identity.files.authority, ...what, secs: SECONDS };
    const clientArgs = [MAIN, ...Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)])];
    const client = start(
      { name: 'flood', command: process.execPath, args: clientArgs },
      { ...pair.client, cpu: CLIENT_CPU },
    );
    let [first, most] = [0, 0];
    const sample = setInterval(() => {
      const bytes = residentBytesOf(server.pid);
      first ||= bytes;
      most = Math.max(most, bytes);
    }, SAMPLE_MS);
    const result = await client.finish(LIMIT_MS).finally(() => clearInterval(sample));
    const counters = await server.stop();
    return {
      ...(result as Omit<FloodTold, 'residentBytes' | 'counters'>),
      residentBytes: most - first,
      counters,
    } as FloodTold;
  });

const floodCase = (name: string, summary: string, flood: Flood): SuiteCase => ({
  name,
  summary,
  run: (context): Promise<Measurement[]> => {
    if (!isRoot) throw new Skip('network namespaces need root');
    return withIdentity(
      (identity) =>
        withPair(MTU, async (pair) => {
          await routeSpoofed(pair);
          const measure = async (one: PerfImplementation) => {
            const told = await underFlood(one, pair, identity, flood);
            if (told.counters !== undefined)
              context.remark(`${name}: the server counted ${JSON.stringify(told.counters)}`);
            return floodFigures(told);
          };
          const ours = await measure(OURS);
          const theirs = await measurePeers(PEERS, context, measure);
          return Object.entries(ours).flatMap(([metric, { value, unit }]) => {
            const values = Object.entries(theirs).map(([peer, all]) => [peer, all[metric]?.value as number] as const);
            return sideBySide({ metric, unit, ours: value, peers: Object.fromEntries(values) });
          });
        }),
      [`DNS:${PERF_NAME}`],
    );
  },
});

export const cases: readonly SuiteCase[] = [
  floodCase('valid-20k', 'ClientHellos from 131,072 addresses, 20,000 a second, beside one stream', {
    ...{ kind: 'valid', rate: 20_000, traffic: 'stream' },
  }),
  floodCase('valid-50k', 'the same, 50,000 a second', { kind: 'valid', rate: 50_000, traffic: 'stream' }),
  floodCase('garbage-20k', 'Initials that nobody sealed, 20,000 a second', {
    ...{ kind: 'garbage', rate: 20_000, traffic: 'stream' },
  }),
  floodCase('handshakes', 'a client that makes handshakes, 400 a second, beside one stream', {
    ...{ kind: 'handshakes', rate: 400, traffic: 'stream' },
  }),
  floodCase('handshakes-inline', 'the same without handshake threads', {
    ...{ kind: 'handshakes', rate: 400, traffic: 'stream', threads: 0 },
  }),
  floodCase('valid-20k-datagrams', 'ClientHellos, 20,000 a second, beside DATAGRAMs', {
    ...{ kind: 'valid', rate: 20_000, traffic: 'datagrams' },
  }),
  floodCase('handshakes-datagrams', 'a client that makes handshakes, 400 a second, beside DATAGRAMs', {
    ...{ kind: 'handshakes', rate: 400, traffic: 'datagrams' },
  }),
];
