import { probeIntervalUs, windowUs } from '#protocol/mesh/options.ts';
import { PresenceTable } from '#protocol/mesh/presence/table.ts';
import type { MeshSink } from '#protocol/mesh/sink.ts';
import { Network } from '#protocol/mesh/testing/network.ts';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import type { Measurement } from '#telemetry/measurement.ts';
import { Events } from '../../events.ts';
import { oneWayUs, type Point, somewhere } from '../geography.ts';

/** Leases and verdicts are there after so long. */
const START_US = 5_000_000;
const COUNT_US = 2_000_000;
const LONGEST_US = 5_000_000;
const STEP_US = 1000;
const DEVICES_EACH = 5;
const DATA = new Uint8Array(40);

const QUIET: MeshSink = {
  ...{ leaseChanged: () => {}, verdict: () => {}, pathChanged: () => {}, resumed: () => {} },
  ...{ presence: () => {}, superseded: () => {}, settled: () => {} },
};

/** What a worker spends, and how soon all know something, in a mesh of so many workers somewhere in the world. */
export const meshOf = (members: number, seed: number): Measurement[] => {
  const random = new SeededRandom(seed);
  const events = new Events();
  const numbers = Array.from({ length: members }, (_, i) => i + 1);
  const points = new Map<number, Point>(numbers.map((member) => [member, somewhere(random)]));
  const point = (member: number): Point => points.get(member) as Point;
  const network = new Network({
    ...{ members: numbers, seed, schedule: events, sinkOf: () => QUIET },
    delayUs: (from, to) => oneWayUs(point(from), point(to)),
  });
  events.runUntil(START_US);
  for (const member of numbers) {
    for (let i = 0; i < DEVICES_EACH; i++)
      network.node(member).act((mesh, now) => void mesh.arrive(`t/${member}-${i}`, DATA, 1, undefined, now));
  }
  events.runUntil(events.now + COUNT_US);
  const before = { ...network.sent };
  events.runUntil(events.now + COUNT_US);
  const each = (COUNT_US / 1e6) * members;
  const perSecond = (what: keyof typeof before): number => Math.round((network.sent[what] - before[what]) / each);

  const untilAll = (isSo: (member: number) => boolean): number => {
    const began = events.now;
    const waiting = new Set(numbers);
    while (waiting.size > 0 && events.now < began + LONGEST_US) {
      events.runUntil(events.now + STEP_US);
      for (const member of waiting) if (isSo(member)) waiting.delete(member);
    }
    return (events.now - began) / 1000;
  };
  network.node(1).act((mesh, now) => void mesh.arrive('t/moves', DATA, 1, undefined, now));
  const known = untilAll((member) => network.node(member).mesh.gossip.table.get('t/moves') !== undefined);
  const gone = members;
  network.kill(gone);
  const dead = untilAll((member) => member === gone || network.node(member).mesh.isDead(gone, events.now));
  return [
    { metric: 'probes_sent', value: perSecond('datagrams'), unit: '1/s' },
    { metric: 'probe_bytes_sent', value: perSecond('datagramBytes'), unit: 'bytes/s' },
    { metric: 'frames_sent', value: perSecond('frames'), unit: '1/s' },
    { metric: 'frame_bytes_sent', value: perSecond('frameBytes'), unit: 'bytes/s' },
    { metric: 'least_window', value: windowUs(0, probeIntervalUs(members)) / 1000, unit: 'ms' },
    { metric: 'device_known_by_all', value: known, unit: 'ms' },
    { metric: 'dead_for_all', value: dead, unit: 'ms' },
  ];
};

const RECORDS = 200_000;

/** Memory that the places of devices take, at each worker. */
export const memoryOfRecords = (): Measurement[] => {
  const inUse = (): number => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = inUse();
  const table = new PresenceTable(RECORDS);
  for (let i = 0; i < RECORDS; i++) {
    const key = `tenant-${i % 100}/device-${i}`;
    table.apply({ key, epoch: i + 1, member: 1 + (i % 300), gone: false, data: new Uint8Array(40) }, 0);
  }
  const bytes = inUse() - before;
  return [
    { metric: 'records', value: table.size, unit: 'count' },
    { metric: 'bytes_a_record', value: Math.round(bytes / table.size), unit: 'bytes' },
  ];
};
