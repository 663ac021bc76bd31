import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peers.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import { sideBySide } from '../harness/beside.ts';
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
const BAR = { atLeast: 1 };
const RUNS = 5;

/** One transfer as both its sides tell it. */
export type Transfer = { readonly server: BulkResult; readonly client: BulkResult };

/** What a transfer comes to, by metric. CPU is user and system time of the process; a packet is one QUIC packet. */
export const figuresOf = ({ server, client }: Transfer) => ({
  goodput: (8 * client.bytes) / client.seconds / 1e9,
  cpu_per_packet_server: (1e6 * server.cpuSeconds) / server.packetsSent,
  cpu_per_packet_client: (1e6 * client.cpuSeconds) / client.packetsReceived,
  goodput_per_core_server: (8 * client.bytes) / server.cpuSeconds / 1e9,
  goodput_per_core_client: (8 * client.bytes) / client.cpuSeconds / 1e9,
});

type Figures = ReturnType<typeof figuresOf>;

/** The units, and what is held against a bar. */
const METRICS: readonly { metric: keyof Figures; unit: string; bar?: { atLeast: number } }[] = [
  { metric: 'goodput', unit: 'Gbit/s', bar: BAR },
  { metric: 'cpu_per_packet_server', unit: 'us' },
  { metric: 'cpu_per_packet_client', unit: 'us' },
  { metric: 'goodput_per_core_server', unit: 'Gbit/s' },
  { metric: 'goodput_per_core_client', unit: 'Gbit/s' },
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

const linesOf = (ours: Figures, peers: Readonly<Record<string, Figures>>): Measurement[] =>
  METRICS.flatMap(({ metric, unit, bar }) => {
    const theirs = Object.fromEntries(Object.entries(peers).map(([peer, figures]) => [peer, figures[metric]]));
    return sideBySide({ metric, unit, ours: ours[metric], peers: theirs, ...(bar && { bar }) });
  });

const measure = async (
  wanted: Pick<BulkOrder, 'bytes' | 'streams'>,
  identity: Identity,
  pair: Pair,
  context: CaseContext,
): Promise<Measurement[]> => {
  const order = { ...wanted, identity, address: pair.server.address, port: PORT };
  const ours = await transfer(OURS, order, pair);
  const peers: Record<string, Figures> = {};
  for (const implementation of context.peers ? BULK_PEERS : []) {
    const { peer = '' } = implementation;
    try {
      peers[peer] = await transfer(implementation, order, pair);
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      context.skipPeer(peer, error.message);
    }
  }
  return linesOf(ours, peers);
};

const bulkCase = (name: string, summary: string, wanted: Pick<BulkOrder, 'bytes' | 'streams'>): SuiteCase => ({
  name,
  summary,
  runs: RUNS,
  run: (context) => {
    if (!isRoot) throw new Skip('network namespaces need root');
    return withIdentity((identity) => withPair(MTU, (pair) => measure(wanted, identity, pair, context)));
  },
});

export const cases: readonly SuiteCase[] = [
  bulkCase('stream', '1 GB on one stream, one CPU a side, over a veth link of MTU 1500', { bytes: 1e9, streams: 1 }),
  bulkCase('streams-100', '1 GB on 100 streams at once', { bytes: 1e9, streams: 100 }),
];
