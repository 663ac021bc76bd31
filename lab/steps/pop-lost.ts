import { setTimeout as sleep } from 'node:timers/promises';
import { receivedPackets } from '../connect.ts';
import { DEVICES } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { signal } from '../pids.ts';
import { ping } from '../ping.ts';
import { rate, resumedDownload } from '../probe.ts';
import { anycastRoutes, INTERNET_HOST } from '../topology.ts';
import { workerMetric } from '../worker-metrics.ts';

const { laptop, sensor } = DEVICES;
const BYTES = 200 * 1024 * 1024;
const MOST_SECONDS = 5;
/** The TUN counts large packets, so this is a few megabytes. */
const UNDER_WAY_PACKETS = 500;

/** Sessions that a PoP's worker has now. */
const sessions = ({ lab }: Journey, pop: string): Promise<number> =>
  workerMetric(lab, pop, 'cloudbridge_sessions_count');

/** Seconds until so many sessions are at a PoP. */
const untilSessions = async (journey: Journey, pop: string, count: number): Promise<number> => {
  const start = performance.now();
  for (;;) {
    const now = await sessions(journey, pop);
    const seconds = (performance.now() - start) / 1000;
    if (now >= count) return seconds;
    if (seconds > 2 * MOST_SECONDS)
      throw new LabError(`${pop} did not get ${count} sessions within ${2 * MOST_SECONDS} s.`);
    await sleep(20);
  }
};

/** The devices' PoP dies in the middle of a download; upstream's route goes to the next one, and so do the devices. */
export const popLost: Step = {
  name: 'pop-lost',
  title: 'the PoP is killed in mid-download: the devices go on at the next one with the same addresses',
  leastPops: 2,
  run: async (journey) => {
    const { lab, edge } = journey;
    const [first, second] = lab.place.pops as [string, string];
    const count = await sessions(journey, first);
    if (count < 3) throw new LabError(`There are ${count} sessions at ${first}, not three or more.`);
    const before = await receivedPackets(edge, edge.device('laptop'));
    const download = resumedDownload(lab, laptop.host, `http://${INTERNET_HOST.v4}`, BYTES);
    // Its failure is told when it is waited for, below.
    download.catch(() => {});
    while ((await receivedPackets(edge, edge.device('laptop'))) < before + UNDER_WAY_PACKETS) await sleep(10);
    signal(-edge.workers.get(first)!.pid, 'SIGKILL');
    await lab.configure('upstream', anycastRoutes(lab.topology!, first, 'delete'));
    const seconds = await untilSessions(journey, second, count);
    const neighbours = await ping(lab, laptop.host, sensor.ipv4, 'neighbour');
    const done = await download;
    return [
      { metric: 'sessions_moved', value: await sessions(journey, second), unit: 'count', bar: { atLeast: count } },
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
