import { until } from '#lab/command.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { Bar, Measurement } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from '../harness/beside.ts';
import { withIdentity } from '../harness/identity.ts';
import { type Pair, withPair } from '../harness/network.ts';
import { type Program, withPrograms } from '../harness/program.ts';
import { cpuSecondsOf, residentBytesOf } from '../harness/usage.ts';
import { OURS, PERF_NAME, PERF_PEERS, type PerfImplementation, type PerfOrder } from '../implementations/quic.ts';
import { Skip, type SuiteCase } from '../suite.ts';
import {
  datagramFigures,
  type HandshakeMode,
  handshakeFigures,
  requestFigures,
  type Told,
  transferFigures,
} from './quic-figures.ts';

const MTU = 1500;
const PORT = 4433;
const LIMIT_MS = 60_000;
/** The two sides never share a CPU. */
const CLIENT_CPU = 0;
const SERVER_CPU = 1;
const RUNS = 3;
const SECONDS = 3;
/** Before a measurement, so that a server is measured that runs and not one that starts. */
const WARM_SECONDS = 1;
/**
 * Handshakes, of every implementation as many, and those before: a client begins with each measurement, and what it takes
 * to begin (ours compiles its code while it runs) is to be a small part of thousands.
 */
const HANDSHAKES = 4000;
const WARM_HANDSHAKES = 1000;
const IDLE_CONNECTIONS = 2000;
/** For what the last handshakes left to be done. */
const SETTLE_MS = 1000;

/** A program's server that runs, and its clients. */
type Running = {
  readonly server: Program;
  /** Runs a client to its end. */
  client(...words: string[]): Promise<Told>;
  /** Starts one that holds connections, and waits until it has them. */
  hold(...words: string[]): Promise<void>;
};

type Metric<F> = { readonly metric: keyof F & string; readonly unit: string; readonly bars?: Record<string, Bar> };

const withRunning = <T>(
  implementation: PerfImplementation,
  order: PerfOrder,
  pair: Pair,
  work: (running: Running) => Promise<T>,
): Promise<T> =>
  withPrograms(async (start) => {
    const server = start(await implementation.server(order), { ...pair.server, cpu: SERVER_CPU });
    const place = { ...pair.client, cpu: CLIENT_CPU };
    await server.ready;
    return work({
      server,
      client: async (...words) => {
        const before = cpuSecondsOf(server.pid);
        const client = start(await implementation.client(order, words), place);
        await client.finish(LIMIT_MS);
        return { said: JSON.parse(client.output), serverSeconds: cpuSecondsOf(server.pid) - before };
      },
      hold: async (...words) => {
        const client = start({ ...(await implementation.client(order, words)), waitsForInput: true }, place);
        let over = false;
        const end = client.result.finally(() => {
          over = true;
        });
        end.catch(() => {});
        await until(`${client.name} is connected`, LIMIT_MS, () => over || client.output.includes('\n'));
        if (!over) return;
        await end;
        throw new Error(`${client.name} let its connections go.`);
      },
    });
  });

type CaseSpec<F> = {
  readonly name: string;
  readonly summary: string;
  readonly groups?: PerfOrder['groups'];
  /** Only of those that can. */
  readonly resumes?: true;
  readonly metrics: readonly Metric<F>[];
  measure(running: Running): Promise<F>;
};

const caseOf = <F extends Readonly<Record<string, number>>>(spec: CaseSpec<F>): SuiteCase => ({
  name: spec.name,
  summary: spec.summary,
  runs: RUNS,
  run: (context): Promise<Measurement[]> => {
    if (!isRoot) throw new Skip('network namespaces need root');
    const { groups = 'x25519', resumes = false } = spec;
    const peers = PERF_PEERS.filter((peer) => peer.resumes || !resumes);
    return withIdentity(
      (identity) =>
        withPair(MTU, async (pair) => {
          const order = { address: pair.server.address, port: PORT, identity, groups };
          const figures = (one: PerfImplementation) => withRunning(one, order, pair, spec.measure);
          const ours = await figures(OURS);
          const theirs = await measurePeers(peers, context, figures);
          return spec.metrics.flatMap(({ metric, ...rest }) => {
            const values = Object.entries(theirs).map(([peer, all]) => [peer, all[metric] as number] as const);
            return sideBySide({ metric, ...rest, ours: ours[metric] as number, peers: Object.fromEntries(values) });
          });
        }),
      [`DNS:${PERF_NAME}`],
    );
  },
});

/** Measures after a shorter run of the same. */
const warmed = async ({ client }: Running, ...words: string[]): Promise<Told> => {
  await client(...words, '-secs', String(WARM_SECONDS));
  return client(...words, '-secs', String(SECONDS));
};

const transferCase = (name: string, summary: string, streams: number): SuiteCase =>
  caseOf({
    name,
    summary,
    metrics: [
      { metric: 'goodput', unit: 'Gbit/s', bars: { 'quic-go': { atLeast: 1.5 }, quinn: { atLeast: 0.8 } } },
      { metric: 'cpu_per_packet', unit: 'us', bars: { quinn: { atMost: 1.25 } } },
    ],
    measure: async (running) => transferFigures(await warmed(running, '-test', 'bulk', '-streams', String(streams))),
  });

const handshakeCase = (
  name: string,
  summary: string,
  mode: HandshakeMode,
  groups: PerfOrder['groups'] = 'x25519',
): SuiteCase =>
  caseOf({
    ...{ name, summary, groups },
    ...(mode !== 'full' && { resumes: true as const }),
    metrics: [
      { metric: 'cpu_per_handshake', unit: 'us', bars: { 'quic-go': { atMost: 1 } } },
      { metric: 'handshakes', unit: '1/s' },
    ],
    measure: async ({ client }) => {
      const some = (count: number) => client('-test', 'hs', '-mode', mode, '-conc', '8', '-n', String(count));
      await some(WARM_HANDSHAKES);
      return handshakeFigures(await some(HANDSHAKES), mode);
    },
  });

export const cases: readonly SuiteCase[] = [
  transferCase('stream', 'one stream, one CPU a side, over a veth link of MTU 1500', 1),
  transferCase('streams-100', '100 streams at once', 100),
  caseOf({
    name: 'datagrams',
    summary: 'DATAGRAM frames of 1200 bytes, those that arrive',
    metrics: [
      { metric: 'datagrams', unit: 'k/s', bars: { 'quic-go': { atLeast: 4 }, quinn: { atLeast: 0.9 } } },
      { metric: 'datagrams_lost', unit: '%' },
      { metric: 'cpu_per_datagram', unit: 'us' },
    ],
    measure: async (running) => datagramFigures(await warmed(running, '-test', 'dgram')),
  }),
  handshakeCase('handshakes', 'full handshakes, X25519 and P-256; CPU of both sides', 'full'),
  handshakeCase('handshakes-mlkem', 'the same with X25519MLKEM768', 'full', 'x25519mlkem768'),
  handshakeCase('handshakes-resumed', 'resumed sessions', 'resumed'),
  handshakeCase('handshakes-0rtt', 'resumed sessions with a request in early data', '0rtt'),
  caseOf({
    name: 'requests',
    summary: '1 KiB there and back, one after the other',
    metrics: [
      { metric: 'p50', unit: 'us', bars: { 'quic-go': { atMost: 1 } } },
      { metric: 'p99', unit: 'us' },
      // Who looks for answers instead of sleeping is not to be quick at the cost of CPU.
      { metric: 'cpu_per_request', unit: 'us' },
    ],
    measure: async (running) => requestFigures(await warmed(running, '-test', 'rr')),
  }),
  caseOf({
    name: 'requests-64',
    summary: '1 KiB there and back, 64 at once on one connection',
    metrics: [
      { metric: 'requests', unit: '1/s', bars: { 'quic-go': { atLeast: 2 } } },
      { metric: 'p50', unit: 'us' },
      { metric: 'p99', unit: 'us' },
      { metric: 'cpu_per_request', unit: 'us' },
    ],
    measure: async (running) => requestFigures(await warmed(running, '-test', 'rr', '-conc', '64')),
  }),
  caseOf({
    name: 'idle',
    summary: `what ${IDLE_CONNECTIONS} idle connections add to a server's resident memory, each`,
    metrics: [{ metric: 'resident_per_connection', unit: 'bytes', bars: { 'quic-go': { atMost: 0.8 } } }],
    measure: async ({ server, hold }) => {
      const before = residentBytesOf(server.pid);
      await hold('-test', 'idle', '-n', String(IDLE_CONNECTIONS), '-conc', '8');
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      return { resident_per_connection: (residentBytesOf(server.pid) - before) / IDLE_CONNECTIONS };
    },
  }),
];
