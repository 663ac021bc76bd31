import type { Measurement } from '#telemetry/measurement.ts';
import type { SimCase } from '../suites.ts';
import { FLOW_US, REKEY_US } from './bounds.ts';
import { Day } from './day.ts';
import { RULES } from './rules.ts';

const HOURS = 24;
const REJECT_AFTER_S = 180;
const MOST_STAGED = 128;

const seconds = (metric: string, us: number, atMost: number): Measurement => ({
  ...{ metric, value: Number((us / 1e6).toFixed(3)), unit: 's' },
  bar: { atMost },
});

const count = (metric: string, value: number): Measurement => ({ metric, value, unit: 'count' });

/** Of a day that is over. */
export const figuresOf = ({ rules, watch, network, sides, roams, wallJumps }: Day): Measurement[] => {
  const most = (of: (side: (typeof sides)[number]) => number): number => Math.max(...sides.map(of));
  const sum = (of: (way: (typeof watch.ways)[number]) => number): number =>
    watch.ways.reduce((all, way) => all + of(way), 0);
  const { lost, duplicated, late, changed, replayed } = network.counts;
  return [
    { ...count('rules_broken', rules.broken.size), bar: { atMost: 0 } },
    seconds('longest_wait_on_calm_network', watch.longestWaitUs, FLOW_US / 1e6),
    seconds(
      'longest_use_of_keys_of_120_s',
      most(({ keys }) => keys.longestRekeyUs),
      REKEY_US / 1e6,
    ),
    seconds(
      'oldest_key_that_sealed',
      most(({ keys }) => keys.oldestSealUs),
      REJECT_AFTER_S,
    ),
    seconds(
      'oldest_key_that_opened',
      most(({ keys }) => keys.oldestOpenUs),
      REJECT_AFTER_S,
    ),
    { ...count('most_waiting_packets', watch.mostStaged), bar: { atMost: MOST_STAGED } },
    count(
      'packets_offered',
      sum(({ offered }) => offered),
    ),
    count(
      'packets_delivered',
      sum(({ delivered }) => delivered),
    ),
    count(
      'sessions',
      most(({ keys }) => keys.sessions),
    ),
    ...[count('lost', lost), count('duplicated', duplicated), count('late', late), count('changed', changed)],
    ...[count('replayed', replayed), count('roams', roams), count('wall_clock_jumps', wallJumps)],
    count('idle_looks', watch.idleChecks),
  ];
};

/** Scenarios of `cloudbridge sim wireguard`. */
export const cases: readonly SimCase[] = [
  {
    name: 'day',
    summary: `two cores for ${HOURS} hours: loss, duplicates, disorder, changed bits, replays, outages, roaming, wall clocks that jump`,
    run: (seed, trace) => {
      const day = new Day({ hours: HOURS }, seed, trace);
      day.run();
      const [first] = day.rules.broken;
      if (first !== undefined) throw new Error(`seed ${seed}, rule \`${first[0]}\` (${RULES[first[0]]}): ${first[1]}`);
      return figuresOf(day);
    },
  },
];
