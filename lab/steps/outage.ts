import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from '#telemetry/measurement.ts';
import { listAll, missingOf, unknownOf } from '../acknowledged.ts';
import { connectDevice } from '../connect.ts';
import { DEVICES, OPERATOR } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { openFlow } from '../probe.ts';
import { workerMetric } from '../worker-metrics.ts';
import { gather, untilAt } from './gather.ts';

const TENANTS = [...new Set(Object.values(DEVICES).map(({ tenant }) => tenant))];
/** Of the connection that is open before and while the control plane is gone. */
const FLOW = { everyMs: 20, forMs: 4000 };
const LEAST_ALONE_MS = 1000;
const MOST_GAP_MS = 500;
const PATIENCE_MS = 15_000;
const ms = (start: number): number => Math.round(performance.now() - start);

const revisionAt = ({ lab }: Journey, pop: string): Promise<number> =>
  workerMetric(lab, pop, 'cloudbridge_control_revision_number');

/** Whether each worker says so of its connection to NATS. */
const allAre = async ({ lab }: Journey, state: 'connected' | 'disconnected'): Promise<boolean> => {
  const samples = lab.place.pops.map((pop) => workerMetric(lab, pop, 'cloudbridge_control_state_count', { state }));
  return (await Promise.all(samples)).every((value) => value === 1);
};

const waitFor = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
  for (const start = performance.now(); !(await condition()); await sleep(20))
    if (ms(start) > PATIENCE_MS) throw new LabError(`Waited ${PATIENCE_MS} ms in vain: ${what}.`);
};

/** All that is acknowledged so far; the last of it is a device that is created at the end. */
const acknowledge = async ({ edge, lab }: Journey): Promise<Map<string, string>> => {
  const all = await listAll(edge.control, TENANTS, lab.place.pops);
  const [late] = await edge.createDevices('late');
  return all.set(`/v1/tenants/acme/devices/${DEVICES.late.id}`, JSON.stringify(late));
};

/** Kills it under a connection that a device has open. */
const killUnderFlow = async (journey: Journey): Promise<Measurement[]> => {
  const { edge, lab } = journey;
  const { reach } = edge;
  const flow = openFlow(lab, reach.from('laptop'), lab.place.internet.v4.base, FLOW);
  await flow.underWay;
  const killed = await edge.control.kill();
  await waitFor('the workers notice that they are alone', () => allAre(journey, 'disconnected'));
  const aloneMs = Date.now();
  const goesOn = await reach.toInternet('laptop', 'v4', 'internet');
  const { longestGapMs, lastMs } = await flow.done;
  return [
    { metric: 'killed', value: killed, unit: 'count' },
    ...goesOn,
    { metric: 'flow_while_alone', value: lastMs - aloneMs, unit: 'ms', bar: { atLeast: LEAST_ALONE_MS } },
    { metric: 'flow_longest_gap', value: longestGapMs, unit: 'ms', bar: { atMost: MOST_GAP_MS } },
  ];
};

/** A worker starts with nothing but its disk. */
const restartAlone = async (journey: Journey, pop: string): Promise<Measurement[]> => {
  const { edge } = journey;
  const known = await revisionAt(journey, pop);
  const count = await edge.reach.devicesAt(pop);
  await edge.workers.get(pop)!.kill();
  const start = performance.now();
  await edge.startWorker(pop);
  const restarted = ms(start);
  await edge.reach.back(pop);
  await waitFor('the laptop is answered', () => edge.reach.answers('laptop'));
  const back = ms(start);
  await gather(journey, pop, count);
  if (edge.reach.isRouted) await untilAt(journey, pop, count);
  if (!(await allAre(journey, 'disconnected'))) throw new LabError('A worker is connected to a control plane.');
  const revision = await revisionAt(journey, pop);
  return [
    { metric: 'worker_restarted', value: restarted, unit: 'ms' },
    { metric: 'revision_from_disk', value: revision, unit: 'count', bar: { atLeast: Math.max(1, known) } },
    { metric: 'laptop_back', value: back, unit: 'ms', bar: { atMost: PATIENCE_MS } },
  ];
};

/** The control plane is gone: what is connected goes on, a worker restarts, and a device that was never here comes in. */
export const controlPlaneLost: Step = {
  name: 'control-plane-lost',
  title: 'NATS and all services are killed: traffic goes on, a worker restarts and admits a new device',
  run: async (journey) => {
    const { edge } = journey;
    const pop = edge.reach.popOf('laptop');
    const token = await edge.token('sensor');
    journey.acknowledged = await acknowledge(journey);
    const goesOn = await killUnderFlow(journey);
    const restarted = await restartAlone(journey, pop);
    const seconds = await connectDevice(edge, 'sensor', token);
    if (edge.reach.popOf('sensor') !== pop)
      throw new LabError(`The sensor was not let in by the restarted worker of ${pop}.`);
    return [
      ...goesOn,
      ...restarted,
      { metric: 'connected_sensor', value: Math.round(seconds * 1000), unit: 'ms', bar: { atMost: 10_000 } },
    ];
  },
};

/** A new network makes a new revision. @returns ms until all workers have the newest one */
const catchUp = async (journey: Journey): Promise<number> => {
  const { control } = journey.edge;
  const newest = async (): Promise<number> => {
    const [listed] = await control.call(OPERATOR, { method: 'GET', url: '/v1/revisions?page.size=1000' });
    return Math.max(0, ...((listed?.['revisions'] ?? []) as { number: string }[]).map(({ number }) => Number(number)));
  };
  const before = await newest();
  const start = performance.now();
  await control.call(OPERATOR, {
    method: 'POST',
    url: '/v1/tenants/acme/networks',
    body: { id: 'annex', ipv4Pool: '10.65.0.0/24' },
  });
  await waitFor('all workers have the newest revision', async () => {
    const at = await Promise.all(journey.lab.place.pops.map((pop) => revisionAt(journey, pop)));
    return at.every((each) => each > before);
  });
  const everywhere = ms(start);
  const [last, ...at] = await Promise.all([newest(), ...journey.lab.place.pops.map((pop) => revisionAt(journey, pop))]);
  if (at.some((each) => each !== last))
    throw new LabError(`Workers have revisions ${at.join(', ')}, the newest is ${last}.`);
  return everywhere;
};

/** It comes back, everything that it acknowledged is there, and everybody catches up. */
export const controlPlaneBack: Step = {
  name: 'control-plane-back',
  title: 'the control plane is back: nothing that it acknowledged is lost, and workers catch up',
  run: async (journey) => {
    const { edge, lab, acknowledged } = journey;
    const start = performance.now();
    await edge.control.start();
    const now = await listAll(edge.control, TENANTS, lab.place.pops);
    const back = ms(start);
    const missing = missingOf(acknowledged, now);
    if (missing.length > 0)
      throw new LabError(`Acknowledged, and not there or not the same now: ${missing.join(', ')}.`);
    await waitFor('all workers are connected again', () => allAre(journey, 'connected'));
    const reconnected = ms(start);
    const seconds = await connectDevice(edge, 'late');
    return [
      { metric: 'back', value: back, unit: 'ms', bar: { atMost: 30_000 } },
      {
        metric: 'acknowledged',
        value: acknowledged.size - missing.length,
        unit: 'count',
        bar: { atLeast: acknowledged.size },
      },
      { metric: 'unknown', value: unknownOf(acknowledged, now).length, unit: 'count', bar: { atMost: 0 } },
      { metric: 'workers_reconnected', value: reconnected, unit: 'ms', bar: { atMost: 30_000 } },
      { metric: 'connected_late', value: Math.round(seconds * 1000), unit: 'ms', bar: { atMost: 10_000 } },
      ...(await edge.reach.toInternet('late', 'v4', 'late')),
      { metric: 'revision_everywhere', value: await catchUp(journey), unit: 'ms', bar: { atMost: 5000 } },
    ];
  },
};
