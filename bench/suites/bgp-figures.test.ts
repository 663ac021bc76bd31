import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meetsBar } from '#telemetry/measurement.ts';
import type { NeighboursResult } from '../bgp/order.ts';
import { convergenceLines, deathLines, fitLines, withdrawalLines } from './bgp-figures.ts';

const MIB = 2 ** 20;
const result = (seconds: number, mib: number, deaths: readonly number[] = []): NeighboursResult => ({
  announce: { seconds, cpuSeconds: seconds, updates: 10 },
  withdraw: { seconds: seconds / 2, cpuSeconds: seconds, updates: 1 },
  ...{ peakBytes: mib * MIB, bytes: 1, deaths },
});

const passing = (lines: ReturnType<typeof convergenceLines>) =>
  Object.fromEntries(
    lines.flatMap(({ metric, peer, value, bar }) =>
      bar === undefined ? [] : [[`${metric} ${peer ?? ''}`.trim(), meetsBar(value, bar)]],
    ),
  );

test('no slower than FRR, half of its memory, and the neighbours are not what is measured', () => {
  const peers = { FRR: result(2, 600), BIRD: result(0.6, 60), GoBGP: result(10, 1000) };
  assert.deepEqual(passing(convergenceLines(1000, result(0.2, 0), result(1, 300), peers)), {
    'announce_ratio FRR': true,
    'announce_ratio BIRD': true,
    'withdraw_ratio FRR': true,
    'withdraw_ratio BIRD': true,
    'peak_memory_ratio FRR': true,
    neighbours_share: true,
  });
  assert.deepEqual(passing(convergenceLines(1000, result(0.4, 0), result(2.1, 301), peers)), {
    'announce_ratio FRR': false,
    'announce_ratio BIRD': false,
    'withdraw_ratio FRR': false,
    'withdraw_ratio BIRD': false,
    'peak_memory_ratio FRR': false,
    neighbours_share: false,
  });
  const cpu = convergenceLines(1000, result(0.2, 0), result(1, 300), {}).find(
    ({ metric }) => metric === 'cpu_per_route',
  );
  assert.deepEqual(cpu, { metric: 'cpu_per_route', value: 2000, unit: 'us' });
});

test('a million routes fit, or they do not', () => {
  assert.deepEqual(passing(fitLines(result(1, 512))), { peak_memory: true });
  assert.deepEqual(passing(fitLines(result(1, 513))), { peak_memory: false });
});

test('of deaths the median counts, and the bar is for ours alone', () => {
  const lines = deathLines(result(1, 1, [9, 1, 2, 3, 4]), { FRR: result(1, 1, [60, 61, 62, 63, 64]) }, 3);
  assert.deepEqual(lines, [
    { metric: 'withdrawn', value: 3, unit: 'ms', bar: { atMost: 3 } },
    { metric: 'withdrawn', value: 62, unit: 'ms', peer: 'FRR' },
    { metric: 'withdrawn_slowest', value: 9, unit: 'ms' },
    { metric: 'withdrawn_slowest', value: 64, unit: 'ms', peer: 'FRR' },
  ]);
});

test('of failed checks the slowest withdrawal has the bar', () => {
  const trials = [3, 51, 2].map((sinceCheckMs) => ({ sinceCheckMs, sinceFaultMs: 250 + sinceCheckMs }));
  assert.deepEqual(withdrawalLines('wedged', trials), [
    { metric: 'wedged_after_check', value: 3, unit: 'ms' },
    { metric: 'wedged_after_check_slowest', value: 51, unit: 'ms', bar: { atMost: 50 } },
    { metric: 'wedged_after_fault_slowest', value: 301, unit: 'ms' },
  ]);
});
