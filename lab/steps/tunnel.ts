import type { Measurement } from '#telemetry/measurement.ts';
import { connectDevice, receivedPackets } from '../connect.ts';
import { DEVICES, type Device, type DeviceName } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Step } from '../journey.ts';
import type { Lab } from '../lab.ts';
import { ping } from '../ping.ts';
import { rate, smallRequests, transfer } from '../probe.ts';
import { CONTROL_HOST, INTERNET_HOST } from '../topology.ts';
import { workerMetric } from '../worker-metrics.ts';

const { laptop, phone, camera } = DEVICES;
const BASE = `http://${INTERNET_HOST.v4}`;
const MIB = 1024 * 1024;
const SMALL_REQUESTS = 1000;

/** Workers of every PoP serve on the anycast address. */
export const edgeUp: Step = {
  name: 'edge-up',
  title: 'a worker serves in every PoP',
  essential: true,
  run: async (journey) => {
    const start = performance.now();
    const { edge } = journey;
    await Promise.all(journey.lab.place.pops.map((pop) => edge.startWorker(pop)));
    return [
      { metric: 'started', value: Math.round(performance.now() - start), unit: 'ms', bar: { atMost: 10_000 } },
      { metric: 'workers', value: edge.workers.size, unit: 'count' },
    ];
  },
};

/** Three devices of two tenants connect; two of them have the same address. */
export const connect: Step = {
  name: 'connect',
  title: 'three devices of two tenants connect through the anycast address',
  essential: true,
  run: async ({ edge }) => {
    const names: DeviceName[] = ['laptop', 'phone', 'camera'];
    const connected = await Promise.all(names.map((name) => connectDevice(edge, name)));
    return names.map((id, i): Measurement => {
      const ms = Math.round((connected[i]?.seconds ?? 0) * 1000);
      return { metric: `connected_${id}`, value: ms, unit: 'ms', bar: { atMost: 10_000 } };
    });
  },
};

export const tunnelPing: Step = {
  name: 'tunnel-ping',
  title: 'pings through the tunnels: the internet host and a neighbour, v4 and v6',
  run: async ({ lab, edge }) => [
    ...(await ping(lab, laptop.host, INTERNET_HOST.v4, 'internet_v4')),
    ...(await ping(lab, laptop.host, INTERNET_HOST.v6, 'internet_v6')),
    ...(await ping(lab, laptop.host, phone.ipv4, 'neighbour_v4')),
    ...(await ping(lab, phone.host, edge.device('laptop').ipv6, 'neighbour_v6')),
  ],
};

const ATTEMPTS = 20;

/** Pings that must all go unanswered. */
const unanswered = async (lab: Lab, { id, host }: Pick<Device, 'id' | 'host'>, address: string): Promise<void> => {
  const args = ['-q', '-n', '-c', `${ATTEMPTS}`, '-i', '0.01', '-W', '1', address];
  const text = await lab.exec(host, 'ping', args).catch((error: LabError) => error.message);
  if (!/, 0 received/.test(text)) throw new LabError(`${id} got an answer from ${address}.`);
};

/** A device of the other tenant is unreachable: its packets are counted as dropped, and none arrives. */
export const isolation: Step = {
  name: 'isolation',
  title: 'a device of the other tenant reaches nobody: dropped, counted, not received',
  run: async (journey) => {
    const { lab, edge } = journey;
    const pop = lab.place.pops[0]!;
    const dropped = () => workerMetric(lab, pop, 'cloudbridge_forward_dropped_packets_total');
    const target = edge.device('phone');
    const before = { dropped: await dropped(), phone: await receivedPackets(edge, target) };
    for (const address of [target.ipv4, target.ipv6]) await unanswered(lab, camera, address);
    const arrived = (await receivedPackets(edge, target)) - before.phone;
    return [
      { metric: 'dropped', value: (await dropped()) - before.dropped, unit: 'count', bar: { atLeast: 2 * ATTEMPTS } },
      { metric: 'arrived', value: arrived, unit: 'count', bar: { atMost: 0 } },
    ];
  },
};

/** What `[config] refused` names, and a signed revision brings to the workers, is no destination of any tunnel. */
export const refused: Step = {
  name: 'refused',
  title: 'the control plane is no destination for devices, as its own configuration says',
  run: async ({ lab }) => {
    const labels = { reason: 'destination_refused' };
    const dropped = () => workerMetric(lab, lab.place.pops[0]!, 'cloudbridge_forward_dropped_packets_total', labels);
    const before = await dropped();
    for (const address of [CONTROL_HOST.v4, CONTROL_HOST.v6]) await unanswered(lab, laptop, address);
    return [{ metric: 'dropped', value: (await dropped()) - before, unit: 'count', bar: { atLeast: 2 * ATTEMPTS } }];
  },
};

export const tunnelTransfer: Step = {
  name: 'tunnel-transfer',
  title: '200 MiB down and 50 MiB up through the tunnel, digests checked',
  run: async ({ lab }) => [
    rate('download', await transfer(lab, laptop.host, 'download', BASE, 200 * MIB), 300),
    rate('upload', await transfer(lab, laptop.host, 'upload', BASE, 50 * MIB), 300),
  ],
};

/** Both tenants' 10.64.0.2 at once: neither gets the other's bytes. */
export const overlap: Step = {
  name: 'overlap',
  title: 'two tenants with the same address download at once, digests checked',
  run: async ({ lab }) => {
    const both = await Promise.all([laptop, camera].map(({ host }) => transfer(lab, host, 'download', BASE, 50 * MIB)));
    return both.map((each, i) => rate(`download_${[laptop, camera][i]?.id}`, each));
  },
};

export const tunnelRequests: Step = {
  name: 'tunnel-requests',
  title: '1,000 small requests through the tunnel beside the bare lab',
  run: async ({ lab }) => {
    const bare = await smallRequests(lab, 'moscow', BASE, SMALL_REQUESTS);
    const tunnel = await smallRequests(lab, laptop.host, BASE, SMALL_REQUESTS);
    const ms = (value: number): number => Math.round(value * 100) / 100;
    return [
      { metric: 'p50', value: ms(tunnel.p50), unit: 'ms', runs: tunnel.count },
      { metric: 'p99', value: ms(tunnel.p99), unit: 'ms', runs: tunnel.count },
      { metric: 'p99_above_bare', value: ms(tunnel.p99 - bare.p99), unit: 'ms', bar: { atMost: 10 } },
    ];
  },
};
