import { setTimeout as sleep } from 'node:timers/promises';
import { type Bird, leadTo } from '../bird.ts';
import type { Device, DeviceName, Edge } from '../edge.ts';
import { LabError } from '../errors.ts';
import { answersTo, COUNT, firstAnswer, parseReplies, ping } from '../ping.ts';
import { countPings } from '../ping-counter.ts';
import { untilNotReady } from '../probe.ts';
import { anycastRoutes, INTERNET_HOST } from '../topology.ts';
import { sumOf, workerMetric, workerMetrics } from '../worker-metrics.ts';
import { ATTEMPTS, type Reach, TALK } from './reach.ts';

/** For ping to have been answered. */
const UNDER_WAY_MS = 300;
const ROUTED_MS = 20_000;
const DROPPED = 'cloudbridge_forward_dropped_packets_total';

interface Address {
  readonly addr_info: readonly { readonly local?: string; readonly scope?: string }[];
}

/** Of a device's network, which is a /64 with its IPv4 address at the end. */
const networkOf = (ipv6: string): string => `${ipv6.slice(0, ipv6.indexOf('::'))}::/64`;

const routesOf = ({ leads, ipv6 }: Device): string[] => {
  if (leads === 'everywhere') return ['--default-route'];
  const prefixes = leads === 'to neighbours' ? ['10.64.0.0/24', networkOf(ipv6)] : [`${INTERNET_HOST.v4}/32`];
  return prefixes.flatMap((prefix) => ['--route', prefix]);
};

/** Devices in namespaces: everything goes by their TUN. @param bird who sends them to a PoP; absent: the lab does */
export const byTun = (edge: Edge, bird: Bird | undefined): Reach => {
  const { lab } = edge;
  const { topology } = lab;
  if (topology === undefined) throw new LabError('There are no namespaces here for TUNs.');
  const [first = ''] = topology.pops;
  const gone = new Set<string>();
  const device = (name: DeviceName) => edge.device(name);
  // Of those that connect: who comes by WireGuard goes elsewhere and back without a word.
  const sessions = async (pop: string): Promise<number> => {
    const text = await workerMetrics(lab, pop);
    const byWireGuard = sumOf(text, 'cloudbridge_wireguard_peers', { state: 'connected' });
    return sumOf(text, 'cloudbridge_sessions_count', {}) - byWireGuard;
  };
  const addresses = async (name: DeviceName): Promise<string[]> => {
    const { host, tun } = device(name);
    const text = await lab.exec(host, 'ip', ['-j', 'address', 'show', 'dev', tun]).catch(() => '[]');
    const all = (JSON.parse(text || '[]') as Address[]).flatMap(({ addr_info }) => addr_info);
    return all.flatMap(({ local, scope }) => (local === undefined || scope === 'link' ? [] : [local])).sort();
  };
  const addressOf = (name: DeviceName, family: 'v4' | 'v6'): string => device(name)[family === 'v4' ? 'ipv4' : 'ipv6'];
  const toDevice: Reach['toDevice'] = (name, other, family, suffix) =>
    ping(lab, device(name).host, addressOf(other, family), suffix);
  return {
    options: (name) => ['--tun', device(name).tun, ...routesOf(device(name))],
    isUp: async (name) => {
      const { ipv4, ipv6 } = device(name);
      const all = await addresses(name);
      return all.includes(ipv4) && all.includes(ipv6);
    },
    addresses,
    from: (name) => ({ host: device(name).host }),
    toInternet: (name, family, suffix) => {
      const { v4, v6 = v4 } = lab.place.internet;
      return ping(lab, device(name).host, { v4, v6 }[family].address, suffix);
    },
    toDevice,
    hears: async (name, other, family) => {
      await firstAnswer(lab, device(name).host, addressOf(other, family));
      return true;
    },
    answers: async (name) => (await answersTo(lab, device(name).host, lab.place.internet.v4.address, 1)) === 1,
    unanswered: async (name, addresses) => {
      for (const address of addresses) {
        if ((await answersTo(lab, device(name).host, address, ATTEMPTS)) > 0)
          throw new LabError(`${name} got an answer from ${address}.`);
      }
    },
    refusals: (pop, reason) => workerMetric(lab, pop, DROPPED, { reason }),
    operatorReason: 'destination_refused',
    listenAt: async (name) => {
      const { host, ipv4, ipv6 } = device(name);
      const pings = await countPings(lab, host);
      return {
        ...pings,
        // Outside of its own tenant's network, an address of the edge's is none of the internet either.
        addresses: [
          { address: ipv4, reason: 'no_route' },
          { address: ipv6, reason: 'destination_refused' },
        ],
        askAsNeighbour: async () => {
          await toDevice('laptop', name, 'v4', 'v4');
          await toDevice('laptop', name, 'v6', 'v6');
          return 2 * COUNT;
        },
      };
    },
    received: async (name) => {
      const { host, tun } = device(name);
      const [link] = JSON.parse(await lab.exec(host, 'ip', ['-j', '-s', 'link', 'show', 'dev', tun])) as {
        stats64: { rx: { packets: number } };
      }[];
      return link?.stats64.rx.packets ?? 0;
    },
    // To a neighbour, which counts what still arrives.
    talk: (name) => {
      const every = `${TALK.everyMs / 1000}`;
      const args = ['-n', '-D', '-c', `${TALK.count}`, '-i', every, device('laptop').ipv4];
      return { underWay: sleep(UNDER_WAY_MS), replies: lab.exec(device(name).host, 'ping', args).then(parseReplies) };
    },
    open: sessions,
    popOf: () => topology.pops.find((pop) => !gone.has(pop)) ?? first,
    devicesAt: sessions,
    watch: async (pop) => {
      if (bird === undefined) await untilNotReady(lab, pop);
      else await bird.until(`${pop} is not announced`, ROUTED_MS, (paths) => paths.every((path) => path.pop !== pop));
      gone.add(pop);
      if (bird === undefined) await lab.configure('upstream', anycastRoutes(topology, pop, 'delete'));
    },
    isRouted: true,
    back: async (pop) => bird?.until(`packets go to ${pop}`, ROUTED_MS, leadTo(pop)),
  };
};
