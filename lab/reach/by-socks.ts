import fs from 'node:fs';
import { countConnections } from '../connection-counter.ts';
import type { DeviceName, Edge } from '../edge.ts';
import { LabError } from '../errors.ts';
import { roundTripFigures } from '../ping.ts';
import { DEVICE_PORT, splitAddress } from '../place.ts';
import { deniedConnections, roundTrips, type Vantage } from '../probe.ts';
import type { LabProcess } from '../process.ts';
import { workerMetric } from '../worker-metrics.ts';
import { ATTEMPTS, type Reach, TALK } from './reach.ts';

const TRIPS = 20;
const OPEN_MS = 3000;
/** Whatever the operator did not allow is refused alike. */
const REFUSED = 'destination';

interface Event {
  readonly type: string;
  readonly server?: string;
}

/** The edge that a device is connected to at the moment, as its log tells. */
const serverOf = ({ logFile }: LabProcess): string | undefined => {
  const lines = fs.readFileSync(logFile, 'utf8').split('\n').slice(0, -1);
  const events = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Event);
  const last = events.findLast(({ type }) => type === 'connected' || type === 'disconnected');
  return last?.type === 'connected' ? last.server : undefined;
};

/** Devices on loopback: programs reach the internet host through a device's SOCKS5 proxy, by CONNECT. */
export const bySocks = (edge: Edge, socks: (index: number) => string): Reach => {
  const { lab } = edge;
  const { v4: internet } = lab.place.internet;
  const from = (name: DeviceName): Vantage => ({ host: edge.device(name).host, socks: socks(edge.device(name).index) });
  const popWhere = (connection: LabProcess | undefined): string | undefined => {
    const server = connection && serverOf(connection);
    return lab.place.pops.find((_, i) => lab.place.servers[i] === `https://${server}`);
  };
  const answers = async (name: DeviceName): Promise<boolean> =>
    (await roundTrips(lab, from(name), internet.base, { count: 1, everyMs: 0 })).length === 1;
  const popOf = (name: DeviceName): string => {
    const connection = edge.connections.get(name);
    const pop = popWhere(connection);
    if (pop === undefined) throw new LabError(`${name} is not connected.`, connection?.logFile);
    return pop;
  };
  const open = (pop: string): Promise<number> => workerMetric(lab, pop, 'cloudbridge_proxy_tunnels_count');
  const untilOpen = async (pop: string): Promise<void> => {
    for (const end = performance.now() + OPEN_MS; (await open(pop)) === 0; ) {
      if (performance.now() > end)
        throw new LabError(`No tunnel to a target was opened at ${pop} within ${OPEN_MS} ms.`);
    }
  };
  return {
    options: (name) => ['--socks', socks(edge.device(name).index)],
    // A connection says nothing about the token yet; a request does.
    isUp: async (name, connection) => popWhere(connection) !== undefined && (await answers(name)),
    from,
    toInternet: async (name, _, suffix) => {
      const replies = await roundTrips(lab, from(name), internet.base, { count: TRIPS, everyMs: 0 });
      if (replies.length === 0) throw new LabError(`None of ${TRIPS} requests of ${name} was answered.`);
      return roundTripFigures(replies, TRIPS, suffix);
    },
    toDevice: async () => [],
    hears: async () => false,
    answers,
    unanswered: async (name, addresses) => {
      for (const address of addresses) {
        const denied = await deniedConnections(lab, from(name), { address, port: DEVICE_PORT }, ATTEMPTS);
        if (denied < ATTEMPTS) throw new LabError(`${name} was denied ${address} ${denied} times of ${ATTEMPTS}.`);
      }
    },
    refusals: (pop, reason) => workerMetric(lab, pop, 'cloudbridge_proxy_refused_tunnels_total', { reason }),
    operatorReason: REFUSED,
    listenAt: async (name) => {
      const { index, ipv4, ipv6 } = edge.device(name);
      const { address } = splitAddress(socks(index));
      const connections = await countConnections(address, DEVICE_PORT);
      return {
        ...connections,
        // Where it would be if it had a TUN, and where it is.
        addresses: [ipv4, ipv6, address].map((each) => ({ address: each, reason: REFUSED })),
      };
    },
    addresses: async () => [],
    received: async () => undefined,
    talk: (name) => ({
      replies: roundTrips(lab, from(name), internet.base, TALK),
      underWay: untilOpen(popOf(name)),
    }),
    open,
    popOf,
    devicesAt: async (pop) =>
      [...edge.connections.values()].filter((each) => each.running && popWhere(each) === pop).length,
    // Devices know all PoPs and choose by themselves.
    isRouted: false,
    watch: async () => {},
    back: async () => {},
  };
};
