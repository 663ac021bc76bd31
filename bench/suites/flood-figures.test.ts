import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FloodTold, floodFigures } from './flood-figures.ts';

const told = (more: Partial<FloodTold> = {}): FloodTold => ({
  quiet: { gbps: 2, worstGapMs: 3 },
  flooded: { gbps: 1.5, worstGapMs: 9 },
  newcomers: { made: 20, failed: 1, medianMs: 4 },
  flood: { sent: 60_000, answers: 6000, seconds: 3 },
  residentBytes: 8 << 20,
  counters: undefined,
  ...more,
});

test('what is kept is what came under the flood by what came before; the rest as it was told', () => {
  const values = Object.fromEntries(Object.entries(floodFigures(told())).map(([name, { value }]) => [name, value]));
  assert.deepEqual(values, {
    share_kept: 75,
    goodput_quiet: 2,
    worst_gap: 9,
    worst_gap_quiet: 3,
    newcomers_made: 20,
    newcomers_failed: 1,
    newcomer_handshake: 4,
    flood: 20_000,
    answers: 2000,
    resident_growth: 8,
  });
});

test('a connection over which nothing came has no share to keep', () => {
  assert.throws(() => floodFigures(told({ quiet: { gbps: 0, worstGapMs: 3000 } })), /Nothing arrived before the flood/);
});
