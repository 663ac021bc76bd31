import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Measurement, meetsBar, summarise, toMetricLine } from './measurement.ts';

const name = { suite: 's', case: 'c' };
const rtt: Measurement = { metric: 'rtt', value: 41, unit: 'us' };

test('a line without a bar has no verdict', () => {
  assert.deepEqual(toMetricLine(name, rtt), { suite: 's', case: 'c', metric: 'rtt', value: 41, unit: 'us' });
});

test('a bar becomes a number and a verdict', () => {
  const line = (value: number, bar: Measurement['bar'] & object) => toMetricLine(name, { ...rtt, value, bar });
  assert.deepEqual([line(41, { atMost: 41 }).bar, line(41, { atMost: 41 }).pass], [41, true]);
  assert.equal(line(42, { atMost: 41 }).pass, false);
  assert.equal(line(41, { atLeast: 41 }).pass, true);
  assert.equal(line(40, { atLeast: 41 }).pass, false);
  assert.equal(meetsBar(Number.NaN, { atMost: 1 }), false);
});

test('several runs become the median between the extremes', () => {
  const runs = [3, 1, 2].map((value) => ({ ...rtt, value }));
  assert.deepEqual(summarise(runs), { ...rtt, value: 2, runs: 3, min: 1, max: 3 });
  assert.equal(summarise(runs.slice(0, 2)).value, 2);
  assert.equal(summarise([rtt]), rtt);
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 2 }), (values) => {
      const { value, min, max } = summarise(values.map((each) => ({ ...rtt, value: each })));
      assert.ok(min! <= value || Math.abs(min! - value) <= 1e-9 * Math.abs(value));
      assert.equal(min, Math.min(...values));
      assert.equal(max, Math.max(...values));
    }),
  );
});
