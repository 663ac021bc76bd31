import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceName, Edge } from '../edge.ts';
import { LabError } from '../errors.ts';
import { parseReplies, ping } from '../ping.ts';
import { anycastRoutes } from '../topology.ts';
import { workerMetric } from '../worker-metrics.ts';
import { ATTEMPTS, type Reach, TALK } from './reach.ts';

/** What TCP carries through a tunnel of the lab on two cores, with room for what else they do. */
const LEAST_RATE = 300;
/** For ping to have been answered. */
const UNDER_WAY_MS = 300;
const DROPPED = 'cloudbridge_forward_dropped_packets_total';

interface Address {
  readonly addr_info: readonly { readonly local?: string }[];
}

/** Devices in namespaces: everything goes by their TUN. */
export const byTun = (edge: Edge): Reach => {
  const { lab } = edge;
  const { topology } = lab;
  if (topology === undefined) throw new LabError('There are no namespaces here for TUNs.');
  const [first = ''] = topology.pops;
  const gone = new Set<string>();
  const device = (name: DeviceName) => edge.device(name);
  const sessions = (pop: string): Promise<number> => workerMetric(lab, pop, 'cloudbridge_sessions_count');
  const tryPing = (host: string, count: number, address: string): Promise<string> => {
    const args = ['-q', '-n', '-c', `${count}`, '-i', '0.01', '-W', '1', address];
    return lab.exec(host, 'ping', args).catch((error: LabError) => error.message);
  };
  return {
    leastRate: LEAST_RATE,
    // A second TUN in a namespace takes only the routes of its network.
    options: (name) => {
      const { tun, isSecond } = device(name);
      return ['--tun', tun, ...(isSecond ? ['--route', '10.64.0.0/24'] : ['--default-route'])];
    },
    isUp: async (name) => {
      const { host, tun, ipv4 } = device(name);
      const text = await lab.exec(host, 'ip', ['-j', 'address', 'show', 'dev', tun]).catch(() => '[]');
      const all = (JSON.parse(text || '[]') as Address[]).flatMap(({ addr_info }) =>
        addr_info.map(({ local }) => local),
      );
      return all.includes(ipv4) && all.some((address) => address?.startsWith('fd'));
    },
    from: (name) => ({ host: device(name).host }),
    toInternet: (name, family, suffix) => {
      const { v4, v6 = v4 } = lab.place.internet;
      return ping(lab, device(name).host, { v4, v6 }[family].address, suffix);
    },
    toDevice: (name, other, family, suffix) => {
      const { ipv4, ipv6 } = device(other);
      return ping(lab, device(name).host, family === 'v4' ? ipv4 : ipv6, suffix);
    },
    answers: async (name) => /, 1 received/.test(await tryPing(device(name).host, 1, lab.place.internet.v4.address)),
    unanswered: async (name, addresses) => {
      for (const address of addresses) {
        if (!/, 0 received/.test(await tryPing(device(name).host, ATTEMPTS, address)))
          throw new LabError(`${name} got an answer from ${address}.`);
      }
    },
    refusals: (pop, ofOperator) => workerMetric(lab, pop, DROPPED, ofOperator ? { reason: 'destination_refused' } : {}),
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
    popIsGone: async (pop) => {
      gone.add(pop);
      await lab.configure('upstream', anycastRoutes(topology, pop, 'delete'));
    },
  };
};
