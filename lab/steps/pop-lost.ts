import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from '#telemetry/measurement.ts';
import { FigureError, LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { LEAST_RATE, rate, resumedDownload } from '../probe.ts';
import type { ResumedTransfer } from '../probes/resume.ts';
import { workerMetric } from '../worker-metrics.ts';
import { type AddressesByDevice, addressesKept } from './addresses-kept.ts';
import { gather } from './gather.ts';
import { keepAsking } from './keep-asking.ts';

const BYTES = 200 * 1024 * 1024;
const MOST_SECONDS = 5;
const MOST_MS = MOST_SECONDS * 1000;
/** Of the download, when its PoP is killed. */
const UNDER_WAY_BYTES = 8 * 1024 * 1024;
const UNDER_WAY_MS = 15_000;
/** What it comes to at the least rate of a tunnel with the longest break in the middle, in Mbit/s. */
const LEAST_RESUMED_RATE = Math.round(1 / (1 / LEAST_RATE + MOST_SECONDS / ((BYTES * 8) / 1e6)));

/** By whatever carrier: packets from a TUN, or, where there is none, streams, which are by UDP alone. */
const sentBytes = ({ lab }: Journey, pop: string): Promise<number> =>
  lab.place.socks
    ? workerMetric(lab, pop, 'cloudbridge_udp_bytes_total', { direction: 'sent' })
    : workerMetric(lab, pop, 'cloudbridge_forward_bytes_total', { direction: 'down' });

/** How often each device was connected so far, as it says itself: a worker counts a while who left without a word. */
const connectedSoFar = ({ edge }: Journey): ReadonlyMap<string, number> =>
  new Map(
    [...edge.connections].map(([name, { logFile }]) => {
      const log = fs.readFileSync(logFile, 'utf8');
      return [name, log.match(/"type":"connected"/g)?.length ?? 0] as const;
    }),
  );

/** Waits until so many devices were connected again. @returns how many were */
const untilConnected = async (
  journey: Journey,
  before: ReadonlyMap<string, number>,
  count: number,
): Promise<number> => {
  for (const start = performance.now(); ; await sleep(20)) {
    const now = connectedSoFar(journey);
    const again = [...now].filter(([name, times]) => times > (before.get(name) ?? 0)).length;
    if (again >= count) return again;
    if (performance.now() - start > 2 * MOST_MS)
      throw new LabError(`Only ${again} of ${count} devices are connected again after ${2 * MOST_SECONDS} s.`);
  }
};

/** A download by the laptop, of which a good part is done. */
const beginDownload = async (journey: Journey, pop: string): Promise<{ readonly done: Promise<ResumedTransfer> }> => {
  const { lab, edge } = journey;
  const before = await sentBytes(journey, pop);
  const done = resumedDownload(lab, edge.reach.from('laptop'), lab.place.internet.v4.base, BYTES);
  // Its failure is told when it is waited for.
  done.catch(() => {});
  for (const start = performance.now(); (await sentBytes(journey, pop)) < before + UNDER_WAY_BYTES; await sleep(10)) {
    if (performance.now() - start > UNDER_WAY_MS)
      throw new LabError(`The worker of ${pop} has not sent 8 MiB of the laptop's download after ${UNDER_WAY_MS} ms.`);
  }
  return { done };
};

const addressesOf = async ({ edge }: Journey): Promise<AddressesByDevice> => {
  const connected = [...edge.connections].filter(([, { running }]) => running).map(([name]) => name);
  return new Map(await Promise.all(connected.map(async (name) => [name, await edge.reach.addresses(name)] as const)));
};

/** When two neighbours have heard each other at the next PoP. @returns nothing where devices are sent no packets */
const meet = async ({ edge: { reach } }: Journey, start: number): Promise<Measurement[]> => {
  const heard = await Promise.all([reach.hears('laptop', 'sensor', 'v4'), reach.hears('sensor', 'laptop', 'v6')]);
  if (heard.includes(false)) return [];
  const value = Math.round(performance.now() - start);
  return [{ metric: 'neighbours_met', value, unit: 'ms', bar: { atMost: MOST_MS } }];
};

/** Of the neighbours once the download is over, which fills the laptop's queue at the worker (`session_queue_full`). */
const settled = async ({ edge: { reach } }: Journey): Promise<Measurement[]> => [
  ...(await reach.toDevice('laptop', 'sensor', 'v4', 'neighbour_v4')),
  ...(await reach.toDevice('sensor', 'laptop', 'v6', 'neighbour_v6')),
];

/**
 * The laptop's PoP dies in the middle of a download; its devices go to the next one. The clock runs from before the kill,
 * so that it has in it how long the router beside the worker and the devices take to notice.
 */
export const popLost: Step = {
  name: 'pop-lost',
  title: 'the PoP is killed in mid-download: the devices go on at the next one with the same addresses',
  leastPops: 2,
  run: async (journey) => {
    const { lab, edge } = journey;
    const lost = edge.reach.popOf('laptop');
    const scattered = await gather(
      journey,
      lost,
      [...edge.connections.values()].filter(({ running }) => running).length,
    );
    const count = await edge.reach.devicesAt(lost);
    const connected = connectedSoFar(journey);
    if (connected.size < 3) throw new LabError(`There are ${connected.size} devices, not three or more.`);
    const before = await addressesOf(journey);
    const routed = edge.reach.watch(lost);
    routed.catch(() => {});
    const download = await beginDownload(journey, lost);
    const asking = await keepAsking(journey, lost);
    const start = performance.now();
    asking?.faultIsNow();
    await edge.workers.get(lost)!.kill();
    const isOver = await Promise.race([download.done.then(() => true), sleep(0, false)]);
    if (isOver) throw new LabError('The download was over before its PoP was killed.');
    const [moved] = await Promise.all([untilConnected(journey, connected, count), routed]);
    const reached = Math.round(performance.now() - start);
    const reachedNext = { metric: 'reached_next_pop', value: reached, unit: 'ms', bar: { atMost: MOST_MS } };
    // Without TUNs devices have no addresses of their own.
    const addresses = lab.place.socks ? undefined : addressesKept(before, await addressesOf(journey), count);
    if (addresses?.fault !== undefined) throw new FigureError(addresses.fault, [reachedNext, addresses.kept]);
    const met = await meet(journey, start);
    const done = await download.done;
    const neighbours = await settled(journey);
    const wireguard = (await asking?.figures()) ?? [];
    return [
      { metric: 'scattered_before', value: scattered, unit: 'count' },
      { metric: 'devices_moved', value: moved, unit: 'count', bar: { atLeast: count } },
      reachedNext,
      ...met,
      ...neighbours,
      ...(addresses === undefined ? [] : [addresses.kept]),
      rate('download', done, LEAST_RESUMED_RATE),
      { metric: 'download_resumed', value: done.resumed, unit: 'count' },
      {
        metric: 'download_longest_gap',
        value: Math.round(done.longestGapSeconds * 1000),
        unit: 'ms',
        bar: { atMost: MOST_MS },
      },
      ...wireguard,
    ];
  },
};
