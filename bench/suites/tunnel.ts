import { runCommand } from '#lab/command.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { Bar, Measurement } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from '../harness/beside.ts';
import { withIdentity } from '../harness/identity.ts';
import { goodputOf, iperfClient, iperfServer } from '../harness/iperf.ts';
import { type Pair, withPair } from '../harness/network.ts';
import { roundTripUs } from '../harness/ping.ts';
import { type Place, withPrograms } from '../harness/program.ts';
import { OURS, TUNNEL_PEERS, type TunnelImplementation, type TunnelOrder } from '../implementations/tunnel.ts';
import { type CaseContext, Skip, type SuiteCase } from '../suite.ts';

const LINK_MTU = 1500;
/** What fits all implementations on that link. */
const TUNNEL_MTU = 1400;
const INSIDE = { proxy: '10.64.0.1', client: '10.64.0.2', device: 'tunnel0', mtu: TUNNEL_MTU } as const;
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
  { metric: 'rtt', unit: 'us' },
] as const;

type Figures = Readonly<Record<(typeof METRICS)[number]['metric'], number>>;

const carry = (implementation: TunnelImplementation, order: TunnelOrder, pair: Pair): Promise<Figures> =>
  withPrograms(async (start) => {
    const atServer: Place = { ...pair.server, cpu: SERVER_CPU };
    const atClient: Place = { ...pair.client, cpu: CLIENT_CPU };
    await start(await implementation.proxy(order), atServer).ready;
    await start(await implementation.client(order), atClient).ready;
    await start(await iperfServer(order.proxy), atServer).ready;
    const inside = ['netns', 'exec', pair.client.namespace];
    const ping = ['ping', '-q', '-c', String(PINGS), '-i', '0.01', order.proxy];
    const rtt = roundTripUs(await runCommand('ip', [...inside, ...ping]));
    const tcp = async (way: 'up' | 'down'): Promise<number> => {
      const client = start(await iperfClient(order.proxy, SECONDS, way), atClient);
      await client.finish(LIMIT_MS);
      return goodputOf(client.output);
    };
    return { tcp_up: await tcp('up'), tcp_down: await tcp('down'), rtt };
  });

const measure = async (order: TunnelOrder, pair: Pair, context: CaseContext): Promise<Measurement[]> => {
  const ours = await carry(OURS, order, pair);
  const peers = await measurePeers(TUNNEL_PEERS, context, (implementation) => carry(implementation, order, pair));
  return METRICS.flatMap(({ metric, ...rest }) => {
    const theirs = Object.fromEntries(Object.entries(peers).map(([peer, figures]) => [peer, figures[metric]]));
    return sideBySide({ metric, ...rest, ours: ours[metric], peers: theirs });
  });
};

export const cases: readonly SuiteCase[] = [
  {
    name: 'tcp',
    summary: 'one TCP connection through CONNECT-IP over a veth link of MTU 1500, one CPU a side; round trips',
    runs: RUNS,
    run: (context) => {
      if (!isRoot) throw new Skip('network namespaces need root');
      return withIdentity((identity) =>
        withPair(LINK_MTU, (pair) =>
          measure({ ...INSIDE, identity, address: pair.server.address, port: 443 }, pair, context),
        ),
      );
    },
  },
];
