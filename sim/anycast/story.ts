import type { Measurement } from '#telemetry/measurement.ts';
import { EQUAL_US, HOLE_US, OUTAGE_US } from './bounds.ts';
import { AnycastEdge } from './edge.ts';
import { FAULTS, type FaultName } from './faults.ts';
import type { Rule } from './rules.ts';

const SETTLING_US = 5_000_000;
const PACE_US = 1_000_000;
const LOOK_US = 250_000;

export interface Story {
  readonly name: string;
  readonly summary: string;
  readonly pops: number;
  readonly clients: number;
  /** What happens, one after the other, a second apart. */
  readonly faults: readonly FaultName[];
}

export interface Told {
  readonly figures: readonly Measurement[];
  /** Rules that were broken, and when that was seen first. */
  readonly broken: ReadonlyMap<Rule, string>;
}

/** Lets it happen, then waits until all is whole and the same everywhere. */
export const tellStory = (
  { pops, clients, faults }: Pick<Story, 'pops' | 'clients' | 'faults'>,
  seed: number,
  trace: (line: string) => void = () => {},
): Told => {
  const edge = new AnycastEdge({ seed, pops, clients, trace });
  edge.run(SETTLING_US);
  edge.begin();
  const { stage, pops: places, devices, watch } = edge;
  for (const fault of faults) {
    stage.tell(`--- ${fault}`);
    FAULTS[fault](stage, places);
    edge.run(PACE_US);
  }
  // What ends may be followed by more: a process that starts has its BGP session later.
  while (edge.now < stage.wholeAt) edge.run(stage.wholeAt - edge.now);
  stage.tell('--- all is whole');
  let difference = watch.difference();
  while (difference !== undefined && edge.now < stage.wholeAt + EQUAL_US) {
    edge.run(LOOK_US);
    difference = watch.difference();
  }
  const { outages, holes, longestStableOutageUs } = watch;
  const { rules } = stage;
  const { settledBy, moves } = devices;
  const [outage, hole] = [outages.longestMs(edge.now), holes.longestMs(edge.now)];
  if (difference !== undefined) rules.break('equal', difference);
  if (1000 * hole > HOLE_US) rules.break('hole', `two devices did not reach each other for ${hole} ms`);
  const figures: Measurement[] = [
    { metric: 'loops', value: Math.max(0, rules.mostHops - 2), unit: 'count', bar: { atMost: 0 } },
    { metric: 'hops_between_workers', value: rules.mostHops, unit: 'count', bar: { atMost: 2 } },
    { metric: 'client_outage_max', value: outage, unit: 'ms' },
    {
      ...{ metric: 'client_outage_since_route_max', value: longestStableOutageUs / 1000, unit: 'ms' },
      bar: { atMost: Math.round(OUTAGE_US / 1000) },
    },
    { metric: 'client_outage_p50', value: outages.percentileMs(0.5), unit: 'ms' },
    { metric: 'black_hole_max', value: hole, unit: 'ms', bar: { atMost: Math.round(HOLE_US / 1000) } },
    { metric: 'double_delivery_max', value: rules.longestDoubleUs / 1000, unit: 'ms' },
    { metric: 'double_deliveries', value: rules.doubles, unit: 'count' },
    { metric: 'moves', value: moves, unit: 'count' },
    { metric: 'moves_by_timeout', value: settledBy.timeout, unit: 'count' },
    { metric: 'resets', value: rules.resets, unit: 'count' },
    {
      ...{ metric: 'tables_equal_after', value: Math.max(0, edge.now - stage.wholeAt) / 1000, unit: 'ms' },
      bar: { atMost: Math.round(EQUAL_US / 1000) },
    },
  ];
  return { figures, broken: rules.broken };
};
