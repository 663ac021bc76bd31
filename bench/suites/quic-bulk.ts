import { isRoot } from '#scripts/setup/paths.mjs';
import type { Bar, Measurement } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from '../harness/beside.ts';
import { type Identity, withIdentity } from '../harness/identity.ts';
import { type Pair, withPair } from '../harness/network.ts';
import { withPrograms } from '../harness/program.ts';
import { BULK_PEERS, type BulkImplementation, type BulkOrder, type BulkResult, OURS } from '../implementations/bulk.ts';
import { type CaseContext, Skip, type SuiteCase } from '../suite.ts';

const MTU = 1500;
const PORT = 4433;
const LIMIT_MS = 120_000;
/** The two sides never share a CPU. */
const CLIENT_CPU = 0;
const SERVER_CPU = 1;
/** Ours must not be slower than any peer in the table. */
const BAR: Bar = { atLeast: 1 };
const RUNS = 5;

/** One transfer as both its sides tell it. */
export type Transfer = { readonly server: BulkResult; readonly client: BulkResult };

/** What a transfer comes to, by metric. CPU is user and system time of the process; a packet is one QUIC packet. */
export const figuresOf = ({ server, client }: Transfer) => ({
  goodput: (8 * client.bytes) / client.seconds / 1e9,
  datagrams: client.datagrams / client.seconds / 1000,
  datagrams_lost: server.datagrams > 0 ? (100 * (server.datagrams - client.datagrams)) / server.datagrams : 0,
  cpu_per_packet_server: (1e6 * server.cpuSeconds) / server.packetsSent,
  cpu_per_packet_client: (1e6 * client.cpuSeconds) / client.packetsReceived,
  goodput_per_core_server: (8 * client.bytes) / server.cpuSeconds / 1e9,
  goodput_per_core_client: (8 * client.bytes) / client.cpuSeconds / 1e9,
});

type Figures = ReturnType<typeof figuresOf>;
type Metric = { readonly metric: keyof Figures; readonly unit: string; readonly bar?: Bar };

const CPU: readonly Metric[] = [
  { metric: 'cpu_per_packet_server', unit: 'us' },
  { metric: 'cpu_per_packet_client', unit: 'us' },
  { metric: 'goodput_per_core_server', unit: 'Gbit/s' },
  { metric: 'goodput_per_core_client', unit: 'Gbit/s' },
];
const STREAM_METRICS: readonly Metric[] = [{ metric: 'goodput', unit: 'Gbit/s', bar: BAR }, ...CPU];
const DATAGRAM_METRICS: readonly Metric[] = [
  { metric: 'datagrams', unit: 'k/s', bar: BAR },
  { metric: 'datagrams_lost', unit: '%' },
  ...CPU,
];

const transfer = (implementation: BulkImplementation, order: BulkOrder, pair: Pair): Promise<Figures> =>
  withPrograms(async (start) => {
    const server = start(await implementation.server(order), { ...pair.server, cpu: SERVER_CPU });
    await server.ready;
    const client = start(await implementation.client(order), { ...pair.client, cpu: CLIENT_CPU });
    const received = (await client.finish(LIMIT_MS)) as BulkResult;
    const sent = (await server.finish(LIMIT_MS)) as BulkResult;
    return figuresOf({ server: sent, client: received });
  });

type Wanted = Pick<BulkOrder, 'bytes' | 'streams' | 'datagramBytes'>;

const linesOf = (wanted: Wanted, ours: Figures, peers: Readonly<Record<string, Figures>>): Measurement[] =>
  (wanted.datagramBytes > 0 ? DATAGRAM_METRICS : STREAM_METRICS).flatMap(({ metric, ...rest }) => {
    const theirs = Object.fromEntries(Object.entries(peers).map(([peer, figures]) => [peer, figures[metric]]));
    return sideBySide({ metric, ...rest, ours: ours[metric], peers: theirs });
  });

const measure = async (
  wanted: Wanted,
  identity: Identity,
  pair: Pair,
  context: CaseContext,
): Promise<Measurement[]> => {
  const order = { ...wanted, identity, address: pair.server.address, port: PORT };
  const ours = await transfer(OURS, order, pair);
  const peers = await measurePeers(BULK_PEERS, context, (implementation) => transfer(implementation, order, pair));
  return linesOf(wanted, ours, peers);
};

const bulkCase = (name: string, summary: string, wanted: Partial<Wanted>): SuiteCase => ({
  name,
  summary,
  runs: RUNS,
  run: (context) => {
    if (!isRoot) throw new Skip('network namespaces need root');
    const all = { bytes: 1e9, streams: 1, datagramBytes: 0, ...wanted };
    return withIdentity((identity) => withPair(MTU, (pair) => measure(all, identity, pair, context)));
  },
});

export const cases: readonly SuiteCase[] = [
  bulkCase('stream', '1 GB on one stream, one CPU a side, over a veth link of MTU 1500', {}),
  bulkCase('streams-100', '1 GB on 100 streams at once', { streams: 100 }),
  bulkCase('datagrams', '300 MB in DATAGRAM frames of 1200 bytes', { bytes: 3e8, datagramBytes: 1200 }),
];
