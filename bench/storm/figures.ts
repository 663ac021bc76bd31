import type { Measurement } from '#telemetry/measurement.ts';
import type { SurvivorReport } from './order.ts';

export const ALL_BACK_MS = 10_000;
export const KEPT = 0.8;

/** What was seen of one storm. Times in ms of the machine's clock. */
export interface Storm {
  readonly killedAt: number;
  /** Of each client, when it had its tunnel again; 0: it has not. */
  readonly back: readonly number[];
  /** Of them by a ticket. */
  readonly resumed: number;
  readonly survivor: readonly SurvivorReport[];
  /** Of the worker that they come to. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** Bytes a second between two times. */
export const paceBetween = (reports: readonly SurvivorReport[], from: number, until: number): number => {
  const inside = reports.filter(({ at }) => at >= from && at <= until);
  const [first, last] = [inside[0], inside.at(-1)];
  if (first === undefined || last === undefined || last.at === first.at) return 0;
  return (1000 * (last.bytes - first.bytes)) / (last.at - first.at);
};

const BEFORE_MS = 3000;

export const stormFigures = (storm: Storm): Measurement[] => {
  const { killedAt, back, resumed, survivor, cpuSeconds, residentBytes } = storm;
  const took = back.filter((at) => at > 0).map((at) => at - killedAt);
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0;
  const longest = took.at(-1) ?? 0;
  const before = paceBetween(survivor, killedAt - BEFORE_MS, killedAt);
  const during = paceBetween(survivor, killedAt, killedAt + Math.max(longest, 1000));
  return [
    { metric: 'clients', value: back.length, unit: 'count' },
    { metric: 'not_back', value: back.length - took.length, unit: 'count', bar: { atMost: 0 } },
    { metric: 'all_back', value: longest, unit: 'ms', bar: { atMost: ALL_BACK_MS } },
    { metric: 'back_p50', value: at(0.5), unit: 'ms' },
    { metric: 'back_p99', value: at(0.99), unit: 'ms' },
    { metric: 'resumed', value: resumed, unit: 'count' },
    { metric: 'survivors_kept', value: before === 0 ? 0 : during / before, unit: 'ratio', bar: { atLeast: KEPT } },
    { metric: 'survivors_before', value: (8 * before) / 1e6, unit: 'Mbit/s' },
    { metric: 'worker_cpu_per_client', value: (1e6 * cpuSeconds) / Math.max(1, took.length), unit: 'us' },
    { metric: 'worker_resident', value: residentBytes, unit: 'bytes' },
  ];
};
