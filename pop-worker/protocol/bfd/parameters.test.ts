import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parameters } from './parameters.ts';

const FAST = { desiredMinTxUs: 50_000, requiredMinRxUs: 40_000, detectMult: 3 };
const of = ({ desiredMinTxUs, requiredMinRxUs, desiredInUseUs, requiredInUseUs }: Parameters): number[] => [
  desiredMinTxUs,
  requiredMinRxUs,
  desiredInUseUs,
  requiredInUseUs,
];

test('slow until Up, then as configured, and slow again (RFC 5880 §6.8.3)', () => {
  const parameters = new Parameters(FAST);
  assert.deepEqual(of(parameters), [1_000_000, 40_000, 1_000_000, 40_000]);
  assert.equal(parameters.setUp(true), true);
  assert.deepEqual(of(parameters), [50_000, 40_000, 50_000, 40_000]);
  assert.equal(parameters.setUp(true), false);
  assert.equal(parameters.setUp(false), true);
  assert.deepEqual(of(parameters), [1_000_000, 40_000, 1_000_000, 40_000]);
  assert.deepEqual(of(new Parameters({ ...FAST, desiredMinTxUs: 2_000_000 })), [2_000_000, 40_000, 2_000_000, 40_000]);
});

test('while Up, slower sending and shorter detection wait until they are settled', () => {
  const parameters = new Parameters(FAST);
  parameters.setUp(true);
  assert.equal(parameters.setTiming({ desiredMinTxUs: 80_000, requiredMinRxUs: 30_000, detectMult: 5 }), true);
  assert.equal(parameters.detectMult, 5);
  assert.deepEqual(of(parameters), [80_000, 30_000, 50_000, 40_000]);
  parameters.settle();
  assert.deepEqual(of(parameters), [80_000, 30_000, 80_000, 30_000]);
  parameters.setTiming({ desiredMinTxUs: 20_000, requiredMinRxUs: 90_000, detectMult: 5 });
  assert.deepEqual(of(parameters), [20_000, 90_000, 20_000, 90_000]);
  parameters.setTiming({ desiredMinTxUs: 70_000, requiredMinRxUs: 60_000, detectMult: 5 });
  parameters.setUp(false);
  assert.deepEqual(of(parameters), [1_000_000, 60_000, 1_000_000, 60_000], 'not Up: at once');
});

test('an equal timing is no change, another multiplier alone neither', () => {
  const parameters = new Parameters(FAST);
  assert.equal(parameters.setTiming({ ...FAST, detectMult: 9 }), false);
  assert.equal(parameters.setTiming({ ...FAST, requiredMinRxUs: 40_001 }), true);
});

test('both intervals are stretched, as far as 32 bits go', () => {
  const parameters = new Parameters(FAST);
  parameters.setUp(true);
  assert.equal(parameters.setStretch(4), true);
  parameters.settle();
  assert.deepEqual(of(parameters), [200_000, 160_000, 200_000, 160_000]);
  parameters.setStretch(1e6);
  assert.deepEqual(of(parameters).slice(0, 2), [0xffff_ffff, 0xffff_ffff]);
});
