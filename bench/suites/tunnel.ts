import { runCommand } from '#lab/command.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { Bar, Measurement } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from '../harness/beside.ts';
import { withIdentity } from '../harness/identity.ts';
import { goodputOf, iperfClient, iperfServer } from '../harness/iperf.ts';
import { BEYOND_PREFIX, type Chain, withChain } from '../harness/network.ts';
import { roundTripUs } from '../harness/ping.ts';
import { FIRST, type Place, type Program, withPrograms } from '../harness/program.ts';
import { cpuSecondsOf, segmentsSentBeside } from '../harness/usage.ts';
import { OURS, TUNNEL_PEERS, type TunnelImplementation, type TunnelOrder } from '../implementations/tunnel.ts';
import { type CaseContext, Skip, type SuiteCase } from '../suite.ts';

const LINK_MTU = 1500;
/** What fits all implementations on that link. */
const TUNNEL_MTU = 1400;
const INSIDE = {
  ...{ device: 'tunnel0', mtu: TUNNEL_MTU },
  ...{ network: '10.64.0.0/24', proxy: '10.64.0.1', client: '10.64.0.2', route: BEYOND_PREFIX },
} as const;
const CLIENT_CPU = 0;
const SERVER_CPU = 1;
const SECONDS = 4;
const PINGS = 100;
const LIMIT_MS = 30_000;
const RUNS = 3;
/** Ours carries at least twice what any peer in the table does. */
const BAR: Bar = { atLeast: 2 };

const METRICS = [
  { metric: 'tcp_up', unit: 'Gbit/s', bar: BAR },
  { metric: 'tcp_down', unit: 'Gbit/s', bar: BAR },
  { metric: 'cpu_per_packet_up_server', unit: 'us' },
  { metric: 'cpu_per_packet_up_client', unit: 'us' },
  { metric: 'cpu_per_packet_down_server', unit: 'us' },
  { metric: 'cpu_per_packet_down_client', unit: 'us' },
  { metric: 'rtt_fresh', unit: 'us' },
  { metric: 'rtt', unit: 'us' },
] as const;

type Figures = Readonly<Record<(typeof METRICS)[number]['metric'], number>>;

/** The programs of one tunnel, and those between whom TCP goes through it. */
type Running = { readonly proxy: Program; readonly client: Program; readonly iperf: Program };

type Usage = { readonly packets: number; readonly proxySeconds: number; readonly clientSeconds: number };

const usageOf = ({ proxy, client, iperf }: Running): Usage => ({
  packets: segmentsSentBeside(client.pid) + segmentsSentBeside(iperf.pid),
  proxySeconds: cpuSecondsOf(proxy.pid),
  clientSeconds: cpuSecondsOf(client.pid),
});

/** What a transfer cost. CPU is all that the process used meanwhile; packets are the inner ones, both ways. */
const costOf = (before: Usage, after: Usage) => {
  const packets = after.packets - before.packets;
  return {
    proxyUs: (1e6 * (after.proxySeconds - before.proxySeconds)) / packets,
    clientUs: (1e6 * (after.clientSeconds - before.clientSeconds)) / packets,
  };
};

const carry = (implementation: TunnelImplementation, order: TunnelOrder, chain: Chain): Promise<Figures> =>
  withPrograms(async (start) => {
    const atClient: Place = { ...chain.client, cpu: CLIENT_CPU };
    const target = chain.beyond.address;
    const proxy = start(await implementation.proxy(order), { ...chain.server, cpu: SERVER_CPU });
    await proxy.ready;
    const client = start(await implementation.client(order), atClient);
    await client.ready;
    const iperf = start(await iperfServer(target), { ...chain.beyond, cpu: SERVER_CPU });
    await iperf.ready;
    const running = { proxy, client, iperf };
    const inside = ['ip', 'netns', 'exec', chain.client.namespace];
    const [nice, ...ping] = [...FIRST, ...inside, 'ping', '-q', '-c', String(PINGS), '-i', '0.01', target];
    const roundTrip = async () => roundTripUs(await runCommand(nice, ping));
    // What was just started has not been compiled yet, which is seen nowhere as well as in a round trip.
    const fresh = await roundTrip();
    const tcp = async (way: 'up' | 'down') => {
      const before = usageOf(running);
      const sender = start(await iperfClient(target, SECONDS, way), atClient);
      await sender.finish(LIMIT_MS);
      return { goodput: goodputOf(sender.output), ...costOf(before, usageOf(running)) };
    };
    const up = await tcp('up');
    const down = await tcp('down');
    return {
      tcp_up: up.goodput,
      tcp_down: down.goodput,
      cpu_per_packet_up_server: up.proxyUs,
      cpu_per_packet_up_client: up.clientUs,
      cpu_per_packet_down_server: down.proxyUs,
      cpu_per_packet_down_client: down.clientUs,
      rtt_fresh: fresh,
      rtt: await roundTrip(),
    };
  });

const measure = async (order: TunnelOrder, chain: Chain, context: CaseContext): Promise<Measurement[]> => {
  const ours = await carry(OURS, order, chain);
  const peers = await measurePeers(TUNNEL_PEERS, context, (implementation) => carry(implementation, order, chain));
  return METRICS.flatMap(({ metric, ...rest }) => {
    const theirs = Object.fromEntries(Object.entries(peers).map(([peer, figures]) => [peer, figures[metric]]));
    return sideBySide({ metric, ...rest, ours: ours[metric], peers: theirs });
  });
};

export const cases: readonly SuiteCase[] = [
  {
    name: 'tcp',
    summary: 'one TCP connection through a worker and `connect`, one CPU a side; CPU a packet; round trips',
    runs: RUNS,
    run: (context) => {
      if (!isRoot) throw new Skip('network namespaces need root');
      return withIdentity((identity, folder) =>
        withChain(LINK_MTU, (chain) =>
          measure({ ...INSIDE, identity, folder, address: chain.server.address, port: 443 }, chain, context),
        ),
      );
    },
  },
];
