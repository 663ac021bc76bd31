import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INITIAL_RTT_US, RttEstimator } from './rtt.ts';

const NO_LIMIT = Number.POSITIVE_INFINITY;

test('RFC 9002 §6.2.2: before a sample, the initial RTT and a PTO of one second', () => {
  const rtt = new RttEstimator();
  assert.equal(rtt.smoothedUs, INITIAL_RTT_US);
  assert.equal(rtt.ptoBaseUs, 999_000);
  assert.equal(rtt.hasSample, false);
});

test('RFC 9002 §5.3: the first sample replaces everything, whatever delay the peer reports', () => {
  const rtt = new RttEstimator();
  rtt.update(100_000, 90_000, NO_LIMIT, 5);
  assert.deepEqual([rtt.latestUs, rtt.smoothedUs, rtt.varianceUs, rtt.minUs], [100_000, 100_000, 50_000, 100_000]);
  assert.equal(rtt.firstSampleTime, 5);
});

const later: [name: string, latest: number, delay: number, limit: number, adjusted: number][] = [
  ['the delay is subtracted', 140_000, 20_000, NO_LIMIT, 120_000],
  ['no further than the peer promised, once confirmed', 160_000, 50_000, 25_000, 135_000],
  ['not at all below min_rtt', 110_000, 20_000, 25_000, 110_000],
  ['down to min_rtt itself', 120_000, 20_000, 25_000, 100_000],
];

for (const [name, latest, delay, limit, adjusted] of later) {
  test(`RFC 9002 §5.3: ${name}`, () => {
    const rtt = new RttEstimator();
    rtt.update(100_000, 0, NO_LIMIT, 0);
    rtt.update(latest, delay, limit, 1);
    assert.equal(rtt.smoothedUs, 0.875 * 100_000 + 0.125 * adjusted);
    assert.equal(rtt.varianceUs, 0.75 * 50_000 + 0.25 * Math.abs(100_000 - adjusted));
    assert.equal(rtt.minUs, 100_000);
  });
}

test('RFC 9002 §5.2: min_rtt does not know of delays', () => {
  const rtt = new RttEstimator();
  rtt.update(100_000, 0, NO_LIMIT, 0);
  rtt.update(90_000, 80_000, NO_LIMIT, 1);
  assert.equal(rtt.minUs, 90_000);
});

test('an ACK that came before its packet left is no sample, the first one neither', () => {
  const rtt = new RttEstimator();
  for (const latest of [-900_000, 0]) rtt.update(latest, 0, NO_LIMIT, 5);
  assert.deepEqual(rtt, new RttEstimator());
  rtt.update(20_000, 0, NO_LIMIT, 6);
  const { latestUs, smoothedUs, varianceUs, minUs } = rtt;
  for (const latest of [-900_000, 0]) rtt.update(latest, 0, NO_LIMIT, 7);
  assert.deepEqual(
    [rtt.latestUs, rtt.smoothedUs, rtt.varianceUs, rtt.minUs],
    [latestUs, smoothedUs, varianceUs, minUs],
  );
  assert.equal(minUs, 20_000);
});

test('estimates stay within the samples', () => {
  const sample = fc.record({ latest: fc.integer({ min: -1_000_000, max: 10_000_000 }), delay: fc.nat(20_000_000) });
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 50 }), (samples) => {
      const rtt = new RttEstimator();
      for (const { latest, delay } of samples) rtt.update(latest, delay, 25_000, 0);
      const all = samples.map((s) => s.latest).filter((latest) => latest > 0);
      assert.equal(rtt.hasSample, all.length > 0);
      if (all.length === 0) return;
      assert.equal(rtt.minUs, Math.min(...all));
      assert.ok(rtt.smoothedUs >= rtt.minUs - 1e-6 && rtt.smoothedUs <= Math.max(...all) + 1e-6);
      assert.ok(rtt.varianceUs >= 0 && rtt.ptoBaseUs >= rtt.smoothedUs + 1000);
    }),
  );
});
