import { runCommand } from '#lab/command.ts';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { Bar, Measurement } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from '../harness/beside.ts';
import { datagramsOf, goodputOf, iperfClient, iperfDatagrams, iperfServer } from '../harness/iperf.ts';
import { FIRST } from '../harness/program.ts';
import { cpuSecondsOf, segmentsSentBeside } from '../harness/usage.ts';
import { OURS, WIREGUARD_PEERS, type WireGuardImplementation } from '../implementations/wireguard.ts';
import { type CaseContext, Skip, type SuiteCase } from '../suite.ts';
import { flood, handshakes } from '../wireguard/load.ts';
import { memoryPerPeer } from '../wireguard/memory.ts';
import { peerChanges } from '../wireguard/peer-changes.ts';
import { POP_FLOODS } from '../wireguard/pop-flood.ts';
import { type StartProgram, type WireGuardPair, withWireGuard } from '../wireguard/scene.ts';
import { twoKeys } from '../wireguard/two-keys.ts';

const CPUS = { server: 1, client: 0 } as const;
const SECONDS = 4;
const LIMIT_MS = 30_000;
const PINGS = 300;
const RUNS = 3;

const FASTER: Bar = { atLeast: 1.2 };
const CHEAPER: Bar = { atMost: 1 };
const AS_FAST: Bar = { atLeast: 1 };
const GO = 'wireguard-go';

interface Spec {
  readonly metric: string;
  readonly unit: string;
  /** Of ours by each peer's, or by those of some. */
  readonly bars?: Readonly<Record<string, Bar>>;
  /** Of ours alone. */
  readonly bar?: Bar;
}

/** @param speed by peer: on a link without offloads the faster of both counts */
const tcpMetrics = (speed: Readonly<Record<string, Bar>>): readonly Spec[] => [
  { metric: 'tcp_up', unit: 'Gbit/s', bars: speed },
  { metric: 'tcp_down', unit: 'Gbit/s', bars: speed },
  { metric: 'cpu_per_packet_sender', unit: 'us', bars: { [GO]: CHEAPER } },
  { metric: 'cpu_per_packet_receiver', unit: 'us', bars: { [GO]: CHEAPER } },
];
const TCP_METRICS = tcpMetrics({ [GO]: FASTER });
const PLAIN_METRICS = tcpMetrics({ [GO]: AS_FAST, boringtun: AS_FAST });

const FLOOD_METRICS: readonly Spec[] = [
  { metric: 'flood_share', unit: 'ratio', bars: {}, bar: { atLeast: 0.8 } },
  { metric: 'flood_goodput', unit: 'Gbit/s', bars: {} },
  { metric: 'flood_cpu_per_message', unit: 'us', bars: { [GO]: CHEAPER } },
  { metric: 'flood_memory', unit: 'MiB', bar: { atMost: 8 } },
];

type Figures = Readonly<Record<string, number>>;

/** One way: goodput, and CPU of either program for each segment that both hosts sent. */
const carry = async ({ server, client }: WireGuardPair, start: StartProgram, way: 'up' | 'down', flows: number) => {
  const usage = () => ({
    packets: segmentsSentBeside(client.program.pid) + segmentsSentBeside(server.program.pid),
    server: cpuSecondsOf(server.program.pid),
    client: cpuSecondsOf(client.program.pid),
  });
  const before = usage();
  const spec = await iperfClient(server.address, SECONDS, way);
  const sender = start(
    { ...spec, args: [...spec.args, '--parallel', String(flows)] },
    { namespace: client.host.namespace, cpu: CPUS.client },
  );
  await sender.finish(LIMIT_MS);
  const after = usage();
  const us = (seconds: number): number => (1e6 * seconds) / (after.packets - before.packets);
  const costs = { server: us(after.server - before.server), client: us(after.client - before.client) };
  return {
    goodput: goodputOf(sender.output),
    sender: way === 'up' ? costs.client : costs.server,
    receiver: way === 'up' ? costs.server : costs.client,
  };
};

const tcp =
  (flows: number, pinned: boolean, prepare?: Parameters<typeof withWireGuard>[3]) =>
  (implementation: WireGuardImplementation): Promise<Figures> =>
    withWireGuard(
      implementation,
      pinned ? CPUS : undefined,
      async (pair, start) => {
        const place = { namespace: pair.server.host.namespace, cpu: CPUS.server };
        const iperf = start(await iperfServer(pair.server.address), place);
        await iperf.ready;
        const up = await carry(pair, start, 'up', flows);
        const down = await carry(pair, start, 'down', flows);
        return {
          tcp_up: up.goodput,
          tcp_down: down.goodput,
          cpu_per_packet_sender: (up.sender + down.sender) / 2,
          cpu_per_packet_receiver: (up.receiver + down.receiver) / 2,
        };
      },
      prepare,
    );

const DATAGRAM_BYTES = 1200;
const MOST_LOST = 0.01;
/** From so many a second on, and how finely the limit is looked for. */
const FIRST_RATE = 20_000;
const GROWTH = 1.25;
const DATAGRAM_SECONDS = 2;

/** The most datagrams a second of which at most one in a hundred is lost, in thousands. */
const datagrams = (implementation: WireGuardImplementation): Promise<Figures> =>
  withWireGuard(implementation, CPUS, async ({ server, client }, start) => {
    const iperf = start(await iperfServer(server.address), { namespace: server.host.namespace, cpu: CPUS.server });
    await iperf.ready;
    const send = async (rate: number) => {
      const spec = await iperfDatagrams(server.address, DATAGRAM_BYTES, rate, DATAGRAM_SECONDS);
      const sender = start(spec, { namespace: client.host.namespace, cpu: CPUS.client });
      await sender.finish(LIMIT_MS);
      return datagramsOf(sender.output);
    };
    // What was just started has not been compiled yet.
    await send(FIRST_RATE);
    let best = 0;
    for (let rate = FIRST_RATE; ; rate *= GROWTH) {
      const { perSecond, lost } = await send(rate);
      if (lost > MOST_LOST) break;
      best = Math.max(best, perSecond);
      // The sender itself has no more to give.
      if (perSecond < 0.9 * rate) break;
    }
    return { udp_rate: best / 1000 };
  });

/** Median and 99th percentile of the round trips that `ping` printed, in microseconds. */
const percentiles = (report: string): Figures => {
  const times = [...report.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => 1000 * Number(ms)).toSorted((a, b) => a - b);
  if (times.length < PINGS / 2) throw new Error(`Of ${PINGS} pings ${times.length} came back.`);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] as number;
  return { rtt_p50: at(0.5), rtt_p99: at(0.99) };
};

const ping = (implementation: WireGuardImplementation): Promise<Figures> =>
  withWireGuard(implementation, CPUS, async ({ server, client }) => {
    const inside = ['ip', 'netns', 'exec', client.host.namespace];
    const [nice, ...args] = [...FIRST, ...inside, 'ping', '-c', String(PINGS), '-i', '0.01', server.address];
    // What was just started has not been compiled yet.
    await runCommand(nice, args);
    return percentiles(await runCommand(nice, args));
  });

/** Without it the kernel cuts a message before the link: each datagram crosses it by itself. */
const withoutSegmentation: Parameters<typeof withWireGuard>[3] = async (pair) => {
  const { programs, libraries } = await wireguardTools();
  const off = [programs.ethtool, '-K', 'veth0', 'tx-udp-segmentation', 'off'];
  for (const { namespace } of Object.values(pair)) {
    await runCommand('ip', ['netns', 'exec', namespace, 'env', `LD_LIBRARY_PATH=${libraries}`, ...off]);
  }
};

const beside = async (
  specs: readonly Spec[],
  measure: (implementation: WireGuardImplementation) => Promise<Figures>,
  context: CaseContext,
): Promise<Measurement[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  const ours = await measure(OURS);
  const peers = await measurePeers(WIREGUARD_PEERS, context, measure);
  return specs.flatMap(({ metric, bar, ...rest }) => {
    const theirs = Object.fromEntries(
      Object.entries(peers).map(([peer, figures]) => [peer, figures[metric] as number]),
    );
    const [own, ...others] = sideBySide({ metric, ...rest, ours: ours[metric] as number, peers: theirs });
    return [bar === undefined ? own : { ...own, bar }, ...others] as Measurement[];
  });
};

export const cases: readonly SuiteCase[] = [
  {
    name: 'tcp',
    summary: 'one TCP flow through two interfaces, one CPU a side, GSO on the link; CPU a packet',
    runs: RUNS,
    run: (context) => beside(TCP_METRICS, tcp(1, true), context),
  },
  {
    name: 'tcp-10',
    summary: 'ten TCP flows, one CPU a side',
    runs: RUNS,
    run: (context) => beside(TCP_METRICS, tcp(10, true), context),
  },
  {
    name: 'tcp-plain',
    summary: 'one TCP flow, one CPU a side, without segmentation offload on the link',
    runs: RUNS,
    run: (context) => beside(PLAIN_METRICS, tcp(1, true, withoutSegmentation), context),
  },
  {
    name: 'tcp-free',
    summary: 'one TCP flow, programs on all CPUs',
    runs: RUNS,
    run: (context) => beside(TCP_METRICS, tcp(1, false), context),
  },
  {
    name: 'ping',
    summary: 'round trips, one CPU a side',
    runs: RUNS,
    run: (context) =>
      beside(
        [
          { metric: 'rtt_p50', unit: 'us', bars: { boringtun: CHEAPER } },
          { metric: 'rtt_p99', unit: 'us', bars: {} },
        ],
        ping,
        context,
      ),
  },
  {
    name: 'udp',
    summary: 'datagrams of 1,200 bytes with at most 1 % lost, one CPU a side',
    runs: RUNS,
    run: (context) => beside([{ metric: 'udp_rate', unit: 'k/s', bars: { boringtun: FASTER } }], datagrams, context),
  },
  {
    name: 'memory',
    summary: 'resident memory with 10,000 configured peers, for each of them',
    run: (context) =>
      beside([{ metric: 'resident_per_peer', unit: 'bytes', bar: { atMost: 21 * 1024 } }], memoryPerPeer, context),
  },
  {
    name: 'handshakes',
    summary: 'handshakes of 1,000 peers that are answered, one CPU a side',
    runs: RUNS,
    run: (context) =>
      beside(
        [
          { metric: 'handshakes', unit: '1/s', bars: { [GO]: AS_FAST } },
          { metric: 'cpu_per_handshake', unit: 'us', bars: {} },
        ],
        handshakes,
        context,
      ),
  },
  {
    name: 'flood',
    summary:
      'a TCP flow beside 20,000 initiations a second of nobody with a valid mac1, of 65,536 addresses, one CPU a side',
    runs: RUNS,
    run: (context) => beside(FLOOD_METRICS, flood, context),
  },
  ...POP_FLOODS,
  {
    name: 'two-keys',
    summary: 'what a second static key costs: a message of nobody, a cookie, a packet of 1,200 bytes; in one thread',
    runs: RUNS,
    run: async () => twoKeys(),
  },
  {
    name: 'peer-changes',
    summary: 'how long threads of a worker stand still for 20,000 peers when it starts, and when one of them changes',
    run: () => peerChanges(),
  },
];
