import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../contract.ts';
import { Detection } from './detection.ts';

test('before anything was heard, nothing is timed', () => {
  const detection = new Detection();
  detection.update(150);
  assert.deepEqual([detection.timeUs, detection.deadline], [0, NEVER]);
  assert.deepEqual([detection.isSilent(1e9), detection.isForgotten(1e9)], [false, false]);
});

test('silence is found once after the Detection Time, and forgotten after twice that (RFC 5880 §6.8.1)', () => {
  const detection = new Detection();
  detection.onHeard(1000);
  detection.update(150);
  assert.deepEqual([detection.timeUs, detection.deadline], [150, 1150]);
  assert.deepEqual([detection.isSilent(1149), detection.isForgotten(1149)], [false, false]);
  assert.deepEqual([detection.isSilent(1150), detection.isSilent(1150), detection.deadline], [true, false, 1300]);
  detection.update(200);
  assert.deepEqual([detection.isSilent(1e9), detection.deadline], [false, 1400], 'what has passed stays passed');
  assert.equal(detection.isForgotten(1399), false);
  assert.deepEqual(
    [detection.isForgotten(1400), detection.isForgotten(1400), detection.deadline],
    [true, false, NEVER],
  );
  detection.update(300);
  assert.equal(detection.deadline, NEVER);
  detection.onHeard(2000);
  detection.update(300);
  assert.equal(detection.deadline, 2300, 'it is timed anew');
});

test('another Detection Time counts from when the peer was heard', () => {
  const detection = new Detection();
  detection.onHeard(0);
  detection.update(150);
  detection.update(900);
  assert.deepEqual([detection.isSilent(899), detection.isSilent(900)], [false, true]);
});
