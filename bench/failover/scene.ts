import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { leadTo } from '#lab/bird.ts';
import { OPERATOR } from '#lab/edge.ts';
import { Journey, NO_BIRD } from '#lab/journey.ts';
import { type Link, openLink } from '#lab/link/link.ts';
import { anycastRouting } from '#lab/steps/anycast-routing.ts';
import { apiCalls, controlPlaneUp } from '#lab/steps/control-plane.ts';
import { namespaces } from '#lab/steps/namespaces.ts';
import { router } from '#lab/steps/router.ts';
import { ANYCAST, ANYCAST_PREFIXES, INTERNET_HOST, namespaceOf } from '#lab/topology.ts';
import { isRoot, root } from '#scripts/setup/paths.mjs';
import { type Program, withPrograms } from '../harness/program.ts';
import { Skip } from '../suite.ts';
import { bringNear, type Fault, profiled, startWorker } from './faults.ts';
import {
  DESTINATIONS,
  type Destination,
  type DevicesOrder,
  DIRECTIONS,
  type FarOrder,
  type NearOrder,
  nowMs,
  type Seen,
  type SimulatedDevice,
  type StreamSpec,
} from './order.ts';
import { Trace } from './trace.ts';

const LAB = 'failover';
const OWNER = 'owner-laptop';
const TENANT = 'acme';
const TUN = 'sim0';
const NETWORK4 = '10.80.0.0/16';
const [NEAR_HOST, PEER_HOST, PEER_POP] = ['client1', 'client2', 'frankfurt'];
/** Streams flow for so long before something happens, and are looked at for so long after. */
const SETTLE_MS = 4000;
export const WINDOW_MS = 10_000;
const BACK_MS = 40_000;

/** Where the emulated link of the clients ends (RFC 2544's addresses for measurements). */
const FAR_AWAY = ['198.18.0.1/30', '198.18.0.2/30'] as const;
const FAR_AWAY_TUN = 'far0';

/** Between the clients and their router there are so many ms, there and back. */
const farAway = async ({ lab }: Journey, rttMs: number): Promise<Link | undefined> => {
  if (rttMs === 0) return undefined;
  const shape = { delayUs: rttMs * 500 };
  const link = await openLink({
    ends: [namespaceOf(LAB, NEAR_HOST as string), namespaceOf(LAB, 'upstream')],
    ...{ device: FAR_AWAY_TUN, addresses: FAR_AWAY, mtu: 1500, shapes: [shape, shape] },
  });
  await lab.configure(NEAR_HOST as string, `route add ${ANYCAST_PREFIXES.v4} dev ${FAR_AWAY_TUN}\n`);
  return link;
};

/** One client: where its stream and its connection lead. */
export interface Client extends StreamSpec {
  readonly destination: Destination;
}

/** What the two ends saw of one fault. */
export interface Observation {
  readonly clients: readonly Client[];
  readonly near: Seen;
  readonly far: readonly Seen[];
  /** When it was about to happen, and when looking ended. */
  readonly from: number;
  readonly until: number;
}

type Start = (spec: Parameters<Parameters<Parameters<typeof withPrograms>[0]>[0]>[0], place: object) => Program;

const startAt = (start: Start, host: string, script: string, order: object): Program =>
  start(
    {
      name: `${script} at ${host}`,
      command: process.execPath,
      args: [...profiled(), path.join(root, 'bench/failover', script)],
      ipc: true,
      order,
    },
    { namespace: namespaceOf(LAB, host) },
  );

const raise = async (journey: Journey): Promise<void> => {
  for (const step of [namespaces, router, controlPlaneUp, apiCalls]) await step.run(journey);
  await Promise.all(journey.lab.place.pops.map((pop) => startWorker(journey, pop)));
  await anycastRouting.run(journey);
};

/** Devices of one network with their tokens; `clients` of them, then one peer for each that talks to a device. */
const createDevices = async ({ edge: { control } }: Journey, count: number): Promise<SimulatedDevice[]> => {
  const url = `/v1/tenants/${TENANT}`;
  await control.call(OPERATOR, {
    method: 'POST',
    url: `${url}/networks`,
    body: { id: 'fleet', ipv4Pool: NETWORK4, egress: true },
  });
  const owner = await control.subjectOf(OWNER);
  const ids = Array.from({ length: count }, (_, i) => `sim-${i}`);
  const calls = ids.map((id, i) => {
    const ipv4Address = `10.80.${1 + (i >> 7)}.${1 + (i & 127)}`;
    return { method: 'POST', url: `${url}/devices`, body: { id, network: 'fleet', ipv4Address, owner } };
  });
  const created = await control.call(OPERATOR, ...calls);
  const tokens = await control.deviceTokens(OWNER, TENANT, ids);
  return created.map(({ ipv4Address, ipv6Address }, i) => ({
    ipv4: String(ipv4Address),
    ipv6: String(ipv6Address),
    token: tokens[i] ?? '',
  }));
};

/** Starts devices on a host; what comes from their addresses goes to them. */
const connect = async (start: Start, { lab, edge }: Journey, host: string, devices: readonly SimulatedDevice[]) => {
  const order: DevicesOrder = { tun: TUN, ca: edge.authority.file, server: `https://${ANYCAST.v4}`, devices };
  await startAt(start, host, 'devices.ts', order).ready;
  const network6 = `${devices[0]!.ipv6.slice(0, devices[0]!.ipv6.indexOf('::'))}::/64`;
  const added = devices.map(
    ({ ipv4, ipv6 }) => `address add ${ipv4}/32 dev ${TUN}\naddress add ${ipv6}/128 dev ${TUN} nodad\n`,
  );
  const routes = (network: string): string =>
    `route add default dev ${TUN} table 66\nrule add from ${network} lookup 66\n`;
  await lab.configure(host, `link set ${TUN} mtu 1280 up\n${added.join('')}${routes(NETWORK4)}`);
  await lab.exec(host, 'ip', ['-6', '-batch', '-'], { input: routes(network6) });
};

const clientsOf = (near: readonly SimulatedDevice[], peers: readonly SimulatedDevice[]): Client[] =>
  near.map(({ ipv4, ipv6 }, i) => {
    const destination = DESTINATIONS[i % DESTINATIONS.length] as Destination;
    const direction = DIRECTIONS[Math.floor(i / DESTINATIONS.length) % DIRECTIONS.length] as Client['direction'];
    const local = destination === 'internet_v6' ? ipv6 : ipv4;
    const peer = peers[Math.floor(i / DESTINATIONS.length)]?.ipv4 ?? '';
    const far = { device: peer, internet_v4: INTERNET_HOST.v4, internet_v6: INTERNET_HOST.v6 }[destination];
    return { id: i, local, far, direction, destination };
  });

const observe = async (
  journey: Journey,
  start: Start,
  clients: readonly Client[],
  fault: Fault,
  pop: string,
): Promise<Observation> => {
  const peers = clients.filter(({ destination }) => destination === 'device').map(({ far }) => far);
  const farOrders: [string, FarOrder][] = [
    ['internet', { listen: [INTERNET_HOST.v4, INTERNET_HOST.v6] }],
    [PEER_HOST as string, { listen: peers }],
  ];
  const fars = farOrders.map(([host, order]) => startAt(start, host, 'far.ts', order));
  await Promise.all(fars.map(({ ready }) => ready));
  const near = startAt(start, NEAR_HOST as string, 'near.ts', { streams: clients } satisfies NearOrder);
  await near.ready;
  await sleep(SETTLE_MS);
  const trace = new Trace();
  const from = nowMs();
  trace.note({ fault: fault.name });
  await fault.inject(journey, pop);
  trace.note({ injected: fault.name });
  trace.write();
  await sleep(Math.max(0, from + WINDOW_MS - nowMs()));
  const until = nowMs();
  const [nearSeen, ...far] = (await Promise.all([near, ...fars].map((one) => one.stop()))) as Seen[];
  return { clients, near: nearSeen as Seen, far, from, until };
};

/** In a lab with so many clients at one PoP: the fault happens to it, and is undone, so many times. */
export const withFault = async (
  fault: Fault,
  { clients, rttMs, runs }: { readonly clients: number; readonly rttMs: number; readonly runs: number },
): Promise<Observation[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  let link: Link | undefined;
  const journey = new Journey(LAB, 3);
  if (journey.routing !== 'bgp') throw new Skip(NO_BIRD);
  try {
    await raise(journey);
    link = await farAway(journey, rttMs);
    const [pop = ''] = journey.lab.place.pops;
    const talkToDevices = Math.ceil(clients / DESTINATIONS.length);
    const devices = await createDevices(journey, clients + talkToDevices);
    const [near, peers] = [devices.slice(0, clients), devices.slice(clients)];
    await bringNear(journey, PEER_HOST as string, PEER_POP as string, ANYCAST_PREFIXES.v4);
    return await withPrograms(async (start) => {
      await connect(start, journey, PEER_HOST as string, peers);
      await connect(start, journey, NEAR_HOST as string, near);
      const observations: Observation[] = [];
      for (let run = 0; run < runs; run++) {
        observations.push(await observe(journey, start, clientsOf(near, peers), fault, pop));
        if (run === runs - 1) break;
        await fault.undo(journey, pop);
        await journey.bird!.until(`${pop} is back`, BACK_MS, leadTo(pop));
      }
      return observations;
    });
  } finally {
    await link?.close();
    await journey.lower();
  }
};
