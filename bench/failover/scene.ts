import { setTimeout as sleep } from 'node:timers/promises';
import { leadTo } from '#lab/bird.ts';
import { Journey, NO_BIRD } from '#lab/journey.ts';
import { type Link, openLink } from '#lab/link/link.ts';
import { anycastRouting } from '#lab/steps/anycast-routing.ts';
import { apiCalls, controlPlaneUp } from '#lab/steps/control-plane.ts';
import { namespaces } from '#lab/steps/namespaces.ts';
import { router } from '#lab/steps/router.ts';
import { ANYCAST_PREFIXES, INTERNET_HOST, namespaceOf } from '#lab/topology.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { withPrograms } from '../harness/program.ts';
import { Skip } from '../suite.ts';
import { createNetwork, createSimulated } from './create-devices.ts';
import { bringNear, type Fault, startWorker } from './faults.ts';
import { fatesOf } from './figures.ts';
import { BRING, connect, type NearClients, type Start, startAt } from './near-clients.ts';
import {
  DESTINATIONS,
  type Destination,
  type DeviceAddresses,
  DIRECTIONS,
  type FarOrder,
  type NearOrder,
  nowMs,
  type Seen,
  type StreamSpec,
} from './order.ts';
import { Trace } from './trace.ts';

const LAB = 'failover';
const [NEAR_HOST, PEER_HOST, PEER_POP] = ['client1', 'client2', 'frankfurt'];
/** Streams flow for so long before something happens, and are looked at for so long after. */
const SETTLE_MS = 4000;
export const WINDOW_MS = 10_000;
const BACK_MS = 40_000;
/** A client whose stream was silent for longer is written to the trace. */
const REMARKABLE_MS = 500;

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
  /** That clients began by themselves meanwhile; 0 for those who do not say. */
  readonly handshakes: number;
}

const raise = async (journey: Journey): Promise<void> => {
  for (const step of [namespaces, router, controlPlaneUp, apiCalls]) await step.run(journey);
  await Promise.all(journey.lab.place.pops.map((pop) => startWorker(journey, pop)));
  await anycastRouting.run(journey);
};

const clientsOf = (near: readonly DeviceAddresses[], peers: readonly DeviceAddresses[]): Client[] =>
  near.map(({ ipv4, ipv6 }, i) => {
    const destination = DESTINATIONS[i % DESTINATIONS.length] as Destination;
    const direction = DIRECTIONS[Math.floor(i / DESTINATIONS.length) % DIRECTIONS.length] as Client['direction'];
    const local = destination === 'internet_v6' ? ipv6 : ipv4;
    const peer = peers[Math.floor(i / DESTINATIONS.length)]?.ipv4 ?? '';
    const far = { device: peer, internet_v4: INTERNET_HOST.v4, internet_v6: INTERNET_HOST.v6 }[destination];
    return { id: i, local, far, direction, destination };
  });

/** All that both ends know of a client. */
const seenOf = ({ id }: Client, { near, far }: Observation) => ({
  near: near.arrivals[id],
  far: far.map(({ arrivals }) => arrivals[id]).find((arrivals) => arrivals !== undefined),
  connection: near.connections[id],
});

const observe = async (
  journey: Journey,
  start: Start,
  clients: readonly Client[],
  fault: Fault,
  pop: string,
  { begun }: NearClients,
): Promise<Observation> => {
  const peers = clients.filter(({ destination }) => destination === 'device').map(({ far }) => far);
  const farOrders: [string, FarOrder][] = [
    ['internet', { listen: [INTERNET_HOST.v4, INTERNET_HOST.v6] }],
    [PEER_HOST as string, { listen: peers }],
  ];
  const fars = farOrders.map(([host, order]) => startAt(start, LAB, host, 'far.ts', order));
  await Promise.all(fars.map(({ ready }) => ready));
  const near = startAt(start, LAB, NEAR_HOST as string, 'near.ts', { streams: clients } satisfies NearOrder);
  await near.ready;
  await sleep(SETTLE_MS);
  const trace = new Trace();
  const from = nowMs();
  const before = begun();
  trace.note({ fault: fault.name });
  await fault.inject(journey, pop);
  trace.note({ injected: fault.name });
  trace.write();
  await sleep(Math.max(0, from + WINDOW_MS - nowMs()));
  const until = nowMs();
  const handshakes = begun() - before;
  const [nearSeen, ...far] = (await Promise.all([near, ...fars].map((one) => one.stop()))) as Seen[];
  const observation = { clients, near: nearSeen as Seen, far, from, until, handshakes };
  for (const { client, wasWell, gapMs, isBack, isConnected } of fatesOf(observation)) {
    if (wasWell && isBack && isConnected && gapMs < REMARKABLE_MS) continue;
    trace.note({ client, wasWell, gapMs, isBack, isConnected, from, until, ...seenOf(client, observation) });
  }
  trace.write();
  return observation;
};

export interface Circumstances {
  readonly clients: number;
  readonly rttMs: number;
  readonly runs: number;
  readonly by: keyof typeof BRING;
}

/** In a lab with so many clients at one PoP: the fault happens to it, and is undone, so many times. */
export const withFault = async (fault: Fault, { clients, rttMs, runs, by }: Circumstances): Promise<Observation[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  let link: Link | undefined;
  const journey = new Journey(LAB, 3);
  if (journey.routing !== 'bgp') throw new Skip(NO_BIRD);
  try {
    await raise(journey);
    link = await farAway(journey, rttMs);
    const [pop = ''] = journey.lab.place.pops;
    await createNetwork(journey);
    const peers = await createSimulated(journey, clients, Math.ceil(clients / DESTINATIONS.length));
    await bringNear(journey, PEER_HOST as string, PEER_POP as string, ANYCAST_PREFIXES.v4);
    return await withPrograms(async (start) => {
      await connect(start, journey, PEER_HOST as string, peers);
      const near = await BRING[by](start, journey, NEAR_HOST as string, clients);
      const observations: Observation[] = [];
      for (let run = 0; run < runs; run++) {
        observations.push(await observe(journey, start, clientsOf(near.devices, peers), fault, pop, near));
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
