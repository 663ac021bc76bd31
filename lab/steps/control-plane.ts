import { setTimeout as sleep } from 'node:timers/promises';
import { DEVICE_NAMES, DEVICES, Edge, OPERATOR } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import type { ApiCall } from '../probes/api.ts';
import { devicesCall, routingCalls } from '../routing-calls.ts';
import { ANYCAST } from '../topology.ts';

/** As `[wireguard]` has it unless it says otherwise. */
const WIREGUARD_PORT = 51_820;

const ms = (start: number): number => Math.round(performance.now() - start);

/** NATS, two copies of each service and of the API at the edge behind balancers, and the first accounts. */
export const controlPlaneUp: Step = {
  name: 'control-plane-up',
  title: 'NATS and two copies of each service and of the API at the edge are up',
  essential: true,
  run: async (journey) => {
    const start = performance.now();
    journey.edge = await Edge.create(journey.lab, journey.bird);
    await journey.edge.control.start();
    return [{ metric: 'started', value: ms(start), unit: 'ms', bar: { atMost: 30_000 } }];
  },
};

/** Where WireGuard clients come to, and by which key they know the edge. */
const wireguardCalls = ({ edge: { wireguardKey: publicKey } }: Journey): ApiCall[] => {
  const endpoints = [`${ANYCAST.v4}:${WIREGUARD_PORT}`, `[${ANYCAST.v6}]:${WIREGUARD_PORT}`];
  return publicKey === undefined
    ? []
    : [{ method: 'PATCH', url: '/v1/wireguard-edge', body: { publicKey, endpoints } }];
};

const createTenants = (journey: Journey) =>
  journey.edge.control.call(
    OPERATOR,
    ...['acme', 'globex'].flatMap((tenant) => [
      { method: 'POST', url: '/v1/tenants', body: { id: tenant, displayName: tenant } },
      {
        method: 'POST',
        url: `/v1/tenants/${tenant}/networks`,
        body: { id: 'home', ipv4Pool: '10.64.0.0/24', egress: true },
      },
    ]),
    ...journey.lab.place.pops.flatMap((pop) => [
      { method: 'POST', url: '/v1/pops', body: { id: pop, displayName: pop } },
      { method: 'POST', url: `/v1/pops/${pop}/workers`, body: { id: 'w1' } },
    ]),
    ...(journey.routing === 'bgp' ? routingCalls(journey.lab.topology!) : []),
    ...wireguardCalls(journey),
  );

/** Everything that the journey needs is created by calls of the API. */
export const apiCalls: Step = {
  name: 'api',
  title: 'tenants, networks, PoPs and devices are created by the API at the edge (workerd)',
  essential: true,
  run: async (journey) => {
    const start = performance.now();
    const { edge } = journey;
    const created = await createTenants(journey);
    const network6 = created.map(({ ipv6Prefix }) => ipv6Prefix).find((prefix) => typeof prefix === 'string');
    if (journey.routing === 'bgp') await edge.control.call(OPERATOR, devicesCall(String(network6)));
    const devices = DEVICE_NAMES.filter((name) => name !== 'late');
    await edge.createDevices(...devices);
    return [
      { metric: 'calls', value: created.length + devices.length, unit: 'count' },
      { metric: 'duration', value: ms(start), unit: 'ms', bar: { atMost: 10_000 } },
    ];
  },
};

/** The last answer before a revocation is not older. */
const RECENT_MS = 300;
const MOST_REVOCATION_MS = 1000;

/** A revoked device gets no more answers, and nothing of it arrives anywhere; nobody else notices. */
export const revocation: Step = {
  name: 'revocation',
  title: 'a device is revoked: its traffic stops, its neighbour is unharmed',
  run: async ({ edge }) => {
    const { reach } = edge;
    const pop = reach.popOf('phone');
    const { underWay, replies: talking } = reach.talk('phone');
    // Its failure is told when it is waited for, below.
    talking.catch(() => {});
    await underWay;
    const before = await reach.open(pop);
    const [revoke] = await edge.control.timedCall(OPERATOR, {
      method: 'POST',
      url: `/v1/tenants/acme/devices/${edge.device('phone').id}/revoke`,
      body: { reason: 'lost' },
    });
    const sentMs = revoke!.sentMs;
    await sleep(Math.max(0, sentMs + MOST_REVOCATION_MS - Date.now()));
    const inTime = await reach.received('laptop');
    const replies = await talking;
    const arrived = (await reach.received('laptop')) ?? 0;
    const lastMs = Math.max(...replies.map(({ atMs }) => atMs));
    if (!(lastMs > sentMs - RECENT_MS)) throw new LabError('The phone reached nobody before it was revoked.');
    const late = replies.filter(({ atMs }) => atMs > sentMs + MOST_REVOCATION_MS).length;
    return [
      { metric: 'sessions_ended', value: before - (await reach.open(pop)), unit: 'count', bar: { atLeast: 1 } },
      {
        metric: 'packets_stopped',
        value: Math.round(lastMs - sentMs),
        unit: 'ms',
        bar: { atMost: MOST_REVOCATION_MS },
      },
      { metric: 'arrived_later', value: late + arrived - (inTime ?? arrived), unit: 'count', bar: { atMost: 0 } },
      ...(await reach.toInternet('laptop', 'v4', 'neighbour')),
    ];
  },
};

/** One copy of each service dies under its callers, who go on with the other one; nothing is lost or done twice. */
export const serviceLost: Step = {
  name: 'service-lost',
  title: 'one copy of each service and of the edge is killed: no call fails, nothing is lost or done twice',
  run: async ({ edge: { control } }) => {
    let killed: Promise<string[]> | undefined;
    const device = { tenant: DEVICES.laptop.tenant, device: DEVICES.laptop.id };
    const steady = await control.steadyCalls(OPERATOR, 'owner-laptop', device, () => {
      killed = control.killOneOfEach();
    });
    const { calls, tokens, retries, failed, failures, longestMs, leftOver } = steady;
    if (failed > 0) throw new LabError(`${failed} calls failed, the first: ${failures[0]}`);
    return [
      { metric: 'killed', value: (await killed)?.length ?? 0, unit: 'count', bar: { atLeast: 4 } },
      { metric: 'calls', value: calls, unit: 'count', bar: { atLeast: 50 } },
      { metric: 'tokens', value: tokens, unit: 'count', bar: { atLeast: 5 } },
      { metric: 'failed', value: failed, unit: 'count', bar: { atMost: 0 } },
      { metric: 'done_twice', value: leftOver, unit: 'count', bar: { atMost: 0 } },
      { metric: 'retries', value: retries, unit: 'count' },
      { metric: 'longest', value: longestMs, unit: 'ms', bar: { atMost: 5000 } },
    ];
  },
};
