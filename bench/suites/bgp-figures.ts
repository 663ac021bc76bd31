import type { Bar, Measurement } from '#telemetry/measurement.ts';
import type { NeighboursResult } from '../bgp/order.ts';
import type { Withdrawal } from '../bgp/withdrawal.ts';
import { sideBySide } from '../harness/beside.ts';

type Peers = Readonly<Record<string, NeighboursResult>>;

const MIB = 2 ** 20;
/** From a check that fails until neighbours have the withdrawal. */
const WITHDRAWN_MS = 50;
/** What 1,000,000 routes are to fit in. */
const MILLION_MIB = 512;

const median = (values: readonly number[]): number => {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[ordered.length >> 1] ?? Number.NaN;
};

/** @param routes of all senders @param alone the neighbours without a router between them */
export const convergenceLines = (
  routes: number,
  alone: NeighboursResult,
  ours: NeighboursResult,
  peers: Peers,
): Measurement[] => {
  const lines = (
    metric: string,
    unit: string,
    of: (result: NeighboursResult) => number,
    bars?: Readonly<Record<string, Bar>>,
  ): Measurement[] => {
    const values = Object.fromEntries(Object.entries(peers).map(([peer, result]) => [peer, of(result)]));
    return sideBySide({ metric, unit, ours: of(ours), peers: values, ...(bars && { bars }) });
  };
  const all = [ours, ...Object.values(peers)];
  const quickest = Math.min(...all.map(({ announce }) => announce.seconds));
  const atMost = (value: number): Bar => ({ atMost: value });
  return [
    ...lines('announce', 's', ({ announce }) => announce.seconds, { FRR: atMost(1), BIRD: atMost(2) }),
    ...lines('withdraw', 's', ({ withdraw }) => withdraw.seconds, { FRR: atMost(1), BIRD: atMost(2) }),
    ...lines('peak_memory', 'MiB', ({ peakBytes }) => peakBytes / MIB, { FRR: atMost(0.5) }),
    ...lines(
      'cpu_per_route',
      'us',
      ({ announce, withdraw }) => (1e6 * (announce.cpuSeconds + withdraw.cpuSeconds)) / routes,
    ),
    ...lines('updates', 'count', ({ announce }) => announce.updates),
    ...sideBySide({ metric: 'without_router', unit: 's', ours: alone.announce.seconds, peers: {} }),
    {
      ...{ metric: 'neighbours_share', unit: 'ratio', bar: { atMost: 0.5 } },
      value: Number((alone.announce.seconds / quickest).toPrecision(5)),
    },
  ];
};

/** Of a full table twice as large as any: ours alone. */
export const fitLines = ({ peakBytes, announce, withdraw }: NeighboursResult): Measurement[] => [
  ...sideBySide({ metric: 'announce', unit: 's', ours: announce.seconds, peers: {} }),
  ...sideBySide({ metric: 'withdraw', unit: 's', ours: withdraw.seconds, peers: {} }),
  { metric: 'peak_memory', value: Number((peakBytes / MIB).toPrecision(5)), unit: 'MiB', bar: { atMost: MILLION_MIB } },
];

/** @param what has failed @param trials of it */
export const withdrawalLines = (what: string, trials: readonly Withdrawal[]): Measurement[] => {
  const checks = trials.map(({ sinceCheckMs }) => sinceCheckMs);
  const faults = trials.map(({ sinceFaultMs }) => sinceFaultMs);
  return [
    { metric: `${what}_after_check`, value: median(checks), unit: 'ms' },
    { metric: `${what}_after_check_slowest`, value: Math.max(...checks), unit: 'ms', bar: { atMost: WITHDRAWN_MS } },
    { metric: `${what}_after_fault_slowest`, value: Math.max(...faults), unit: 'ms' },
  ];
};

/** The median of those that died in a run, and the slowest. */
export const deathLines = (ours: NeighboursResult, peers: Peers, atMostMs: number): Measurement[] => {
  const lines = (metric: string, of: (deaths: readonly number[]) => number): Measurement[] => {
    const theirs = Object.entries(peers).map(([peer, { deaths }]) => [peer, of(deaths)]);
    return sideBySide({ metric, unit: 'ms', ours: of(ours.deaths), peers: Object.fromEntries(theirs) });
  };
  const [mine, ...theirs] = lines('withdrawn', median);
  const slowest = lines('withdrawn_slowest', (deaths) => Math.max(...deaths));
  return [{ ...(mine as Measurement), bar: { atMost: atMostMs } }, ...theirs, ...slowest];
};
