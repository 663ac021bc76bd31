import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meetsBar, summarise } from '#telemetry/measurement.ts';
import { sideBySide } from './beside.ts';

const BAR = { atLeast: 1 };

test("ours, each peer's, and the ratio of ours to each, which the bar is for", () => {
  const lines = sideBySide({ metric: 'goodput', unit: 'Gbit/s', ours: 3, peers: { a: 2, b: 6 }, bar: BAR });
  assert.deepEqual(lines, [
    { metric: 'goodput', value: 3, unit: 'Gbit/s' },
    { metric: 'goodput', value: 2, unit: 'Gbit/s', peer: 'a' },
    { metric: 'goodput', value: 6, unit: 'Gbit/s', peer: 'b' },
    { metric: 'goodput_ratio', value: 1.5, unit: 'ratio', peer: 'a', bar: BAR },
    { metric: 'goodput_ratio', value: 0.5, unit: 'ratio', peer: 'b', bar: BAR },
  ]);
  assert.deepEqual(
    lines.slice(3).map(({ value, bar }) => bar && meetsBar(value, bar)),
    [true, false],
  );
});

test('without a bar a ratio is only told; without peers or without ours there is none', () => {
  const beside = { metric: 'rtt', unit: 'us', peers: { a: 50 } };
  assert.deepEqual(sideBySide({ ...beside, ours: 100 }).at(-1), {
    metric: 'rtt_ratio',
    value: 2,
    unit: 'ratio',
    peer: 'a',
  });
  assert.deepEqual(sideBySide({ ...beside, ours: 100, peers: {} }), [{ metric: 'rtt', value: 100, unit: 'us' }]);
  assert.deepEqual(sideBySide(beside), [{ metric: 'rtt', value: 50, unit: 'us', peer: 'a' }]);
});

test('over several interleaved runs the bar is held against the median of the ratios', () => {
  const runs = [
    [2, 1],
    [1, 2],
    [3, 2],
  ] as const;
  const ratios = runs.map(
    ([ours, a]) => sideBySide({ metric: 'goodput', unit: 'Gbit/s', ours, peers: { a }, bar: BAR })[2]!,
  );
  const { value, min, max, bar } = summarise(ratios);
  assert.deepEqual({ value, min, max, bar }, { value: 1.5, min: 0.5, max: 2, bar: BAR });
});
