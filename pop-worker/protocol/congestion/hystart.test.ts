import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HyStart } from './hystart.ts';
import { type RateSample, RateSampler } from './rate-sampler.ts';

const BYTES = 1200;

let rounds = 0;

/** A round of so many ACKs with this round trip. @returns what each made the window grow by */
const round = (hyStart: HyStart, rttUs: number, acks = 10): number[] => {
  const roundCount = ++rounds;
  return Array.from({ length: acks }, () => {
    const sample: RateSample = { ...new RateSampler().sample, roundCount, rttUs, ackedOutsideRecovery: BYTES };
    return hyStart.onAck(sample);
  });
};

test('RFC 9406 §4.3: the round trip may grow by an eighth, 4 ms at least and 16 ms at most', () => {
  for (const [base, growth] of [
    [10_000, 4000],
    [80_000, 10_000],
    [400_000, 16_000],
  ] as const) {
    const calm = new HyStart();
    round(calm, base);
    round(calm, base + growth - 1);
    assert.equal(calm.isConservative, false);
    const queued = new HyStart();
    round(queued, base);
    round(queued, base + growth);
    assert.equal(queued.isConservative, true, `${base} + ${growth}`);
  }
});

test('RFC 9406 §4.2: eight samples of a round are needed', () => {
  const hyStart = new HyStart();
  round(hyStart, 10_000);
  round(hyStart, 50_000, 7);
  assert.equal(hyStart.isConservative, false);
});

test('RFC 9406 §4.2: Conservative Slow Start grows by a quarter, for five rounds', () => {
  const hyStart = new HyStart();
  assert.deepEqual(new Set(round(hyStart, 10_000)), new Set([BYTES]));
  const [first, ...others] = round(hyStart, 50_000).reverse();
  assert.equal(first, BYTES / 4);
  assert.equal(others.at(-1), BYTES);
  for (let i = 0; i < 4; i++) assert.deepEqual(new Set(round(hyStart, 50_000)), new Set([BYTES / 4]));
  assert.equal(round(hyStart, 50_000)[0], -1, 'slow start is over');
});

test('RFC 9406 §4.2: a round trip that is shorter again resumes slow start', () => {
  const hyStart = new HyStart();
  round(hyStart, 10_000);
  round(hyStart, 50_000);
  assert.equal(hyStart.isConservative, true);
  round(hyStart, 12_000);
  assert.equal(hyStart.isConservative, false);
});
