import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from '#telemetry/measurement.ts';
import { connectDevice, receivedPackets } from '../connect.ts';
import { DEVICES, type DeviceName, Edge } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { parseReplies, ping, type Reply } from '../ping.ts';
import { INTERNET_HOST } from '../topology.ts';
import { workerMetric } from '../worker-metrics.ts';

const OPERATOR = 'operator';
const NAMES = Object.keys(DEVICES) as DeviceName[];
const ms = (start: number): number => Math.round(performance.now() - start);

/** NATS, two copies of each service behind balancers, and the first accounts. */
export const controlPlaneUp: Step = {
  name: 'control-plane-up',
  title: 'NATS and two copies of each service are up',
  essential: true,
  run: async (journey) => {
    const start = performance.now();
    journey.edge = await Edge.create(journey.lab);
    const { control } = journey.edge;
    await control.start();
    await control.createAccounts([`${OPERATOR}:operator`, ...NAMES.map((name) => `owner-${name}`)]);
    journey.endpoints.push({ label: 'API (inside the lab)', value: `${control.url('config')}/openapi.json` });
    return [{ metric: 'started', value: ms(start), unit: 'ms', bar: { atMost: 30_000 } }];
  },
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
  );

/** Everything that the journey needs is created by calls of the API. */
export const apiCalls: Step = {
  name: 'api',
  title: 'tenants, networks, PoPs and devices are created by the API',
  essential: true,
  run: async (journey) => {
    const start = performance.now();
    const { edge } = journey;
    const created = await createTenants(journey);
    const devices = await edge.control.call(
      OPERATOR,
      ...NAMES.map((name) => {
        const { tenant, id, ipv4 } = DEVICES[name];
        const body = { id, network: 'home', ipv4Address: ipv4, owner: edge.control.subjectOf(`owner-${name}`) };
        return { method: 'POST', url: `/v1/tenants/${tenant}/devices`, body };
      }),
    );
    for (const [i, name] of NAMES.entries()) edge.created(name, String(devices[i]?.['ipv6Address']));
    return [
      { metric: 'calls', value: created.length + devices.length, unit: 'count' },
      { metric: 'duration', value: ms(start), unit: 'ms', bar: { atMost: 10_000 } },
    ];
  },
};

/** Whether one ping out of few comes back. */
const answers = async ({ lab }: Journey, host: string, address: string): Promise<boolean> => {
  const args = ['-q', '-n', '-c', '1', '-W', '1', address];
  const text = await lab.exec(host, 'ping', args).catch((error: LabError) => error.message);
  return /, 1 received/.test(text);
};

const UNDER_WAY_MS = 300;
const MOST_REVOCATION_MS = 1000;

/** The phone pings a neighbour for some four seconds. @returns what was answered */
const phonePings = async ({ lab, edge }: Journey, address: string): Promise<Reply[]> => {
  const args = ['-n', '-D', '-c', '200', '-i', '0.02', address];
  return parseReplies(await lab.exec(edge.device('phone').host, 'ping', args));
};

/** A revoked device's packets stop everywhere, which its neighbour counts; nobody else notices. */
export const revocation: Step = {
  name: 'revocation',
  title: 'a device is revoked: its packets stop, its neighbour is unharmed',
  run: async (journey) => {
    const { lab, edge } = journey;
    const [laptop, phone] = [edge.device('laptop'), edge.device('phone')];
    const sessions = () => workerMetric(lab, lab.place.pops[0]!, 'cloudbridge_sessions_count');
    const before = await sessions();
    const talking = phonePings(journey, laptop.ipv4);
    await sleep(UNDER_WAY_MS);
    const [revoke] = await edge.control.timedCall(OPERATOR, {
      method: 'POST',
      url: `/v1/tenants/acme/devices/${phone.id}/revoke`,
      body: { reason: 'lost' },
    });
    const sentMs = revoke!.sentMs;
    await sleep(Math.max(0, sentMs + MOST_REVOCATION_MS - Date.now()));
    const inTime = await receivedPackets(edge, laptop);
    const lastMs = Math.max(...(await talking).map(({ atMs }) => atMs));
    const arrived = (await receivedPackets(edge, laptop)) - inTime;
    if (!(lastMs > sentMs - UNDER_WAY_MS)) throw new LabError('The phone reached nobody before it was revoked.');
    return [
      { metric: 'sessions_ended', value: before - (await sessions()), unit: 'count', bar: { atLeast: 1 } },
      {
        metric: 'packets_stopped',
        value: Math.round(lastMs - sentMs),
        unit: 'ms',
        bar: { atMost: MOST_REVOCATION_MS },
      },
      { metric: 'arrived_later', value: arrived, unit: 'count', bar: { atMost: 0 } },
      ...(await ping(lab, laptop.host, INTERNET_HOST.v4, 'neighbour')),
    ];
  },
};

/** The control plane is gone: what is connected goes on, a worker restarts, and a device that was never here comes in. */
export const controlPlaneLost: Step = {
  name: 'control-plane-lost',
  title: 'NATS and all services are killed: traffic goes on, a worker restarts and admits a new device',
  run: async (journey) => {
    const { lab, edge } = journey;
    const token = await edge.token('sensor');
    await edge.control.kill();
    const goesOn = await ping(lab, 'client1', INTERNET_HOST.v4, 'internet');
    const pop = lab.place.pops[0]!;
    await edge.workers.get(pop)!.kill();
    const start = performance.now();
    await edge.startWorker(pop);
    const restarted = ms(start);
    while (!(await answers(journey, 'client1', INTERNET_HOST.v4))) {
      if (ms(start) > 15_000) throw new LabError('The laptop did not come back to the worker that was restarted.');
      await sleep(50);
    }
    const back: Measurement = { metric: 'laptop_back', value: ms(start), unit: 'ms', bar: { atMost: 15_000 } };
    const { seconds } = await connectDevice(edge, 'sensor', token, 'cloudbridge1');
    return [
      ...goesOn,
      { metric: 'worker_restarted', value: restarted, unit: 'ms' },
      back,
      { metric: 'connected_sensor', value: Math.round(seconds * 1000), unit: 'ms', bar: { atMost: 10_000 } },
    ];
  },
};

/** It comes back, and everything that it acknowledged is there. */
export const controlPlaneBack: Step = {
  name: 'control-plane-back',
  title: 'the control plane is back: nothing that it acknowledged is lost, and it takes changes',
  run: async ({ edge }) => {
    const start = performance.now();
    await edge.control.start();
    const [listed] = await edge.control.call(OPERATOR, { method: 'GET', url: '/v1/tenants/acme/devices' });
    const devices = (listed?.['devices'] ?? []) as { id: string; state: string }[];
    const expected = NAMES.filter((name) => DEVICES[name].tenant === 'acme').length;
    const revoked = devices.filter(({ state }) => state === 'DEVICE_STATE_REVOKED').map(({ id }) => id);
    if (revoked.join() !== 'phone') throw new LabError(`Revoked are: ${revoked.join() || 'none'}, not phone.`);
    await edge.control.call(OPERATOR, {
      method: 'POST',
      url: '/v1/tenants/acme/devices',
      body: { id: 'late', network: 'home', owner: edge.control.subjectOf('owner-laptop') },
    });
    return [
      { metric: 'back', value: ms(start), unit: 'ms', bar: { atMost: 30_000 } },
      { metric: 'devices', value: devices.length, unit: 'count', bar: { atLeast: expected } },
    ];
  },
};
