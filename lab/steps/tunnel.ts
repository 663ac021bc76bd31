import type { Measurement } from '#telemetry/measurement.ts';
import { connectDevice } from '../connect.ts';
import type { DeviceName } from '../edge.ts';
import type { Step } from '../journey.ts';
import { LEAST_RATE, rate, smallRequests, transfer } from '../probe.ts';

const MIB = 1024 * 1024;
const SMALL_REQUESTS = 1000;

/** Workers of every PoP serve. */
export const edgeUp: Step = {
  name: 'edge-up',
  title: 'a worker serves in every PoP',
  essential: true,
  run: async ({ lab, edge }) => {
    const start = performance.now();
    await Promise.all(lab.place.pops.map((pop) => edge.startWorker(pop)));
    return [
      { metric: 'started', value: Math.round(performance.now() - start), unit: 'ms', bar: { atMost: 10_000 } },
      { metric: 'workers', value: edge.workers.size, unit: 'count' },
    ];
  },
};

/** Three devices of two tenants connect; two of them have the same address. */
export const connect: Step = {
  name: 'connect',
  title: 'three devices of two tenants connect',
  essential: true,
  run: async ({ edge, endpoints }) => {
    const names: DeviceName[] = ['laptop', 'phone', 'camera'];
    const seconds = await Promise.all(names.map((name) => connectDevice(edge, name)));
    for (const name of names) {
      const { socks } = edge.reach.from(name);
      if (socks !== undefined) endpoints.push({ label: `SOCKS5 proxy of ${name}`, value: socks });
    }
    return names.map((name, i): Measurement => {
      const ms = Math.round((seconds[i] ?? 0) * 1000);
      return { metric: `connected_${name}`, value: ms, unit: 'ms', bar: { atMost: 10_000 } };
    });
  },
};

export const tunnelPing: Step = {
  name: 'tunnel-ping',
  title: 'round trips through a tunnel to the internet host',
  run: async ({ lab, edge }) => {
    const v4 = await edge.reach.toInternet('laptop', 'v4', 'internet_v4');
    if (lab.place.internet.v6 === undefined) return v4;
    return [...v4, ...(await edge.reach.toInternet('laptop', 'v6', 'internet_v6'))];
  },
};

export const neighbourPing: Step = {
  name: 'neighbour-ping',
  title: 'round trips between two devices of a tenant, v4 and v6',
  needsNamespaces: 'a SOCKS5 proxy carries streams to the internet, no packets to another device',
  run: async ({ edge }) => [
    ...(await edge.reach.toDevice('laptop', 'phone', 'v4', 'neighbour_v4')),
    ...(await edge.reach.toDevice('phone', 'laptop', 'v6', 'neighbour_v6')),
  ],
};

export const tunnelTransfer: Step = {
  name: 'tunnel-transfer',
  title: '200 MiB down and 50 MiB up through the tunnel, digests checked',
  run: async ({ lab, edge: { reach } }) => {
    const { base } = lab.place.internet.v4;
    const from = reach.from('laptop');
    return [
      rate('download', await transfer(lab, from, 'download', base, 200 * MIB), LEAST_RATE),
      rate('upload', await transfer(lab, from, 'upload', base, 50 * MIB), LEAST_RATE),
    ];
  },
};

/** Both tenants' 10.64.0.2 at once: neither gets the other's bytes. */
export const overlap: Step = {
  name: 'overlap',
  title: 'two tenants with the same address download at once, digests checked',
  run: async ({ lab, edge }) => {
    const names: DeviceName[] = ['laptop', 'camera'];
    const { base } = lab.place.internet.v4;
    const both = names.map((name) => transfer(lab, edge.reach.from(name), 'download', base, 50 * MIB));
    return (await Promise.all(both)).map((each, i) => rate(`download_${names[i]}`, each));
  },
};

export const tunnelRequests: Step = {
  name: 'tunnel-requests',
  title: '1,000 small requests through the tunnel beside the bare lab',
  run: async ({ lab, edge }) => {
    const { base } = lab.place.internet.v4;
    const bare = await smallRequests(lab, { host: edge.reach.popOf('laptop') }, base, SMALL_REQUESTS);
    const tunnel = await smallRequests(lab, edge.reach.from('laptop'), base, SMALL_REQUESTS);
    const ms = (value: number): number => Math.round(value * 100) / 100;
    return [
      { metric: 'p50', value: ms(tunnel.p50), unit: 'ms', runs: tunnel.count },
      { metric: 'p99', value: ms(tunnel.p99), unit: 'ms', runs: tunnel.count },
      { metric: 'p99_above_bare', value: ms(tunnel.p99 - bare.p99), unit: 'ms', bar: { atMost: 10 } },
    ];
  },
};
