import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { answersTo, firstAnswer, ping } from '../ping.ts';
import { countPings } from '../ping-counter.ts';
import { rate, roundTrips, transfer } from '../probe.ts';
import { ATTEMPTS } from '../reach/reach.ts';
import { WireGuardClient } from '../wireguard/client.ts';
import { createWireGuardDevices, printConfig, WIREGUARD_DEVICES } from '../wireguard/devices.ts';
import { workerMetric } from '../worker-metrics.ts';
import { type Attempts, isolationFigures } from './wireguard-figures.ts';

const MIB = 1024 * 1024;
const BYTES = 32 * MIB;
/** Of TCP over both tunnels, in Mbit/s: what crawls has packets that do not fit. */
const LEAST_RATE = 50;
const PORT = 8080;
const MOST_FIRST_MS = 2000;
const KNOWN_MS = 5000;
const MOST_SET_UP_MS = 20_000;
const TABLET = WIREGUARD_DEVICES.tablet.host;
const KIOSK = WIREGUARD_DEVICES.kiosk.host;

/** A client that comes before its key is known is a stranger, and tries again only after 5 s. */
const untilKnown = async ({ lab, edge }: Journey, count: number): Promise<void> => {
  const pop = edge.reach.popOf('laptop');
  const known = () => workerMetric(lab, pop, 'cloudbridge_wireguard_peers', { state: 'configured' });
  for (const start = performance.now(); (await known()) < count; await sleep(20))
    if (performance.now() - start > KNOWN_MS)
      throw new LabError(`The worker of ${pop} does not know of the WireGuard devices after ${KNOWN_MS} ms.`);
};

/** A stock client each of both tenants, in namespaces of their own. */
const setUp = async (journey: Journey): Promise<WireGuardClient> => {
  const { lab, edge, access } = journey;
  if (access === undefined) throw new LabError('Nobody of this machine reaches the API yet: its step must come first.');
  const folder = lab.makeFolder('wireguard');
  await createWireGuardDevices(edge.control);
  const [ofTablet, ofKiosk] = await Promise.all([
    printConfig('tablet', access, folder),
    printConfig('kiosk', access, folder),
  ]);
  await untilKnown(journey, 2);
  const [tablet] = await Promise.all([
    WireGuardClient.start(lab, TABLET, ofTablet, folder),
    WireGuardClient.start(lab, KIOSK, ofKiosk, folder),
  ]);
  return tablet;
};

/** Serves content at the addresses of devices that `cloudbridge connect` connected. */
const serveAt = async ({ lab, edge }: Journey, name: 'laptop' | 'camera') => {
  const { host, ipv4, ipv6 } = edge.device(name);
  return lab.start({
    name: `content-${name}`,
    host,
    command: process.execPath,
    args: [path.join(root, 'lab/internet-host.ts'), ipv4, `${PORT}`, ipv6, `${PORT}`],
    announcesReady: true,
  });
};

const attempt = async ({ lab, edge }: Journey, host: string): Promise<Attempts> => {
  const { ipv6, host: camera } = edge.device('camera');
  const ear = await countPings(lab, camera);
  try {
    const [answered, replies] = await Promise.all([
      answersTo(lab, host, ipv6, ATTEMPTS),
      roundTrips(lab, { host }, `http://[${ipv6}]:${PORT}`, { count: 1, everyMs: 0 }),
    ]);
    return { pings: ATTEMPTS, answered, heard: await ear.heard(), requests: replies.length };
  } finally {
    await ear.close();
  }
};

/** Who may not, then who may. */
const isolation = async (journey: Journey): Promise<Measurement[]> => {
  const { lab, edge } = journey;
  const dropped = (): Promise<number> =>
    workerMetric(lab, edge.reach.popOf('laptop'), 'cloudbridge_forward_dropped_packets_total', {
      reason: 'destination_refused',
    });
  const before = await dropped();
  const stranger = await attempt(journey, TABLET);
  const after = await dropped();
  return isolationFigures(stranger, await attempt(journey, KIOSK), after - before);
};

/**
 * A stock client is a device like others: it reaches its neighbour that came by MASQUE, and not one of the other tenant, which
 * a stock client of that tenant reaches by the same attempts.
 */
export const wireguard: Step = {
  name: 'wireguard',
  title: 'a stock WireGuard client reaches a device of its tenant, and none of the other one',
  needsNamespaces: 'a WireGuard interface takes a namespace, and a worker with a TUN',
  needsWireGuardClient: true,
  run: async (journey) => {
    const { lab, edge } = journey;
    const laptop = edge.device('laptop');
    const start = performance.now();
    const [tablet, ...servers] = await Promise.all([
      setUp(journey),
      serveAt(journey, 'laptop'),
      serveAt(journey, 'camera'),
    ]);
    const isSetUp = performance.now();
    await firstAnswer(lab, TABLET, laptop.ipv4);
    const first = Math.round(performance.now() - isSetUp);
    const figures = [
      ...(await ping(lab, TABLET, laptop.ipv4, 'masque_v4')),
      ...(await ping(lab, TABLET, laptop.ipv6, 'masque_v6')),
    ];
    const base = `http://${laptop.ipv4}:${PORT}`;
    const tcp = await transfer(lab, { host: TABLET }, 'download', base, BYTES);
    const refused = await isolation(journey);
    await Promise.all(servers.map((server) => server.stop()));
    journey.wireguard = tablet;
    return [
      { metric: 'set_up', value: Math.round(isSetUp - start), unit: 'ms', bar: { atMost: MOST_SET_UP_MS } },
      { metric: 'first_answer', value: first, unit: 'ms', bar: { atMost: MOST_FIRST_MS } },
      ...figures,
      rate('tcp_masque', tcp, LEAST_RATE),
      ...refused,
    ];
  },
};
