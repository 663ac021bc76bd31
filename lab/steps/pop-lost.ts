import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceName } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { rate, resumedDownload } from '../probe.ts';
import { workerMetric } from '../worker-metrics.ts';

const BYTES = 200 * 1024 * 1024;
const MOST_SECONDS = 5;
/** Of the download, when its PoP is killed. */
const UNDER_WAY_BYTES = 8 * 1024 * 1024;

const sentBytes = ({ lab }: Journey, pop: string): Promise<number> =>
  workerMetric(lab, pop, 'cloudbridge_udp_bytes_total', { direction: 'sent' });

/** Devices at all PoPs but one. */
const devicesElsewhere = async ({ lab, edge }: Journey, lost: string): Promise<number> => {
  const others = lab.place.pops.filter((pop) => pop !== lost);
  const counts = await Promise.all(others.map((pop) => edge.reach.devicesAt(pop)));
  return counts.reduce((sum, count) => sum + count, 0);
};

/** Seconds until so many devices are at other PoPs. */
const untilElsewhere = async (journey: Journey, lost: string, count: number): Promise<number> => {
  const start = performance.now();
  for (;;) {
    const now = await devicesElsewhere(journey, lost);
    const seconds = (performance.now() - start) / 1000;
    if (now >= count) return seconds;
    if (seconds > 2 * MOST_SECONDS)
      throw new LabError(`Only ${now} of ${count} devices are at other PoPs after ${2 * MOST_SECONDS} s.`);
    await sleep(20);
  }
};

/** The laptop's PoP dies in the middle of a download; its devices go to the next one. */
export const popLost: Step = {
  name: 'pop-lost',
  title: 'the PoP is killed in mid-download: the devices go on at the next one with the same addresses',
  leastPops: 2,
  run: async (journey) => {
    const { lab, edge } = journey;
    const laptop: DeviceName = 'laptop';
    const lost = edge.reach.popOf(laptop);
    const count = await edge.reach.devicesAt(lost);
    const elsewhere = await devicesElsewhere(journey, lost);
    if (count + elsewhere < 3) throw new LabError(`There are ${count + elsewhere} devices, not three or more.`);
    const before = await sentBytes(journey, lost);
    const download = resumedDownload(lab, edge.reach.from(laptop), lab.place.internet.v4.base, BYTES);
    // Its failure is told when it is waited for, below.
    download.catch(() => {});
    while ((await sentBytes(journey, lost)) < before + UNDER_WAY_BYTES) await sleep(10);
    await edge.workers.get(lost)!.kill();
    await edge.reach.popIsGone(lost);
    const seconds = await untilElsewhere(journey, lost, elsewhere + count);
    const neighbours = await edge.reach.toDevice(laptop, 'sensor', 'v4', 'neighbour');
    const done = await download;
    const moved = (await devicesElsewhere(journey, lost)) - elsewhere;
    return [
      { metric: 'sessions_moved', value: moved, unit: 'count', bar: { atLeast: count } },
      {
        metric: 'reached_next_pop',
        value: Math.round(seconds * 1000),
        unit: 'ms',
        bar: { atMost: MOST_SECONDS * 1000 },
      },
      ...neighbours,
      rate('download', done),
      { metric: 'download_resumed', value: done.resumed, unit: 'count' },
      { metric: 'download_longest_gap', value: Math.round(done.longestGapSeconds * 1000), unit: 'ms' },
    ];
  },
};
