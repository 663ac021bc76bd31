import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from './contract.ts';
import { FlapGuard, SESSION_FLAP_RULES } from './flap-guard.ts';

const SECOND = 1_000_000;

test('two ends in a minute are not flapping, three are, and then for 30 s', () => {
  const guard = new FlapGuard();
  guard.ended(0);
  guard.ended(30 * SECOND);
  assert.equal(guard.isHeld(30 * SECOND), false);
  guard.ended(60 * SECOND);
  assert.equal(guard.deadline(60 * SECOND), 90 * SECOND);
  assert.equal(guard.isHeld(90 * SECOND), false);
  assert.equal(guard.deadline(90 * SECOND), NEVER);
});

test('three ends in more than a minute are not flapping', () => {
  const guard = new FlapGuard();
  for (const at of [0, 31, 62, 93, 124]) guard.ended(at * SECOND);
  assert.equal(guard.held, 0);
});

test('what ends soon after it was let go is held twice as long, up to ten minutes', () => {
  const guard = new FlapGuard();
  for (const at of [0, 1, 2]) guard.ended(at * SECOND);
  const holds: number[] = [];
  let now = 2 * SECOND;
  for (let i = 0; i < 8; i++) {
    const until = guard.deadline(now);
    holds.push((until - now) / SECOND);
    now = until + 50 * SECOND;
    guard.ended(now);
  }
  assert.deepEqual(holds, [30, 60, 120, 240, 480, 600, 600, 600]);
  assert.equal(guard.held, 9);
});

test('who was quiet for ten minutes begins anew', () => {
  const guard = new FlapGuard();
  for (const at of [0, 1, 2]) guard.ended(at * SECOND);
  guard.ended(40 * SECOND);
  assert.equal(guard.deadline(40 * SECOND), 100 * SECOND);
  for (const at of [701, 702, 703]) guard.ended(at * SECOND);
  assert.equal(guard.deadline(703 * SECOND), 733 * SECOND);
  guard.clear();
  assert.equal(guard.isHeld(704 * SECOND), false);
});

test('three lost sessions in a minute hold a neighbour back, for twice as long each time, up to ten minutes', () => {
  const guard = new FlapGuard(SESSION_FLAP_RULES);
  let now = 0;
  const holds: number[] = [];
  for (let i = 0; i < 6; i++) {
    assert.equal(guard.ended(now), now);
    assert.equal(guard.ended(now + SECOND), now + SECOND);
    const until = guard.ended(now + 60 * SECOND);
    holds.push((until - now) / SECOND - 60);
    now = until;
  }
  assert.deepEqual(holds, [60, 120, 240, 480, 600, 600]);
  now += 601 * SECOND;
  guard.ended(now);
  guard.ended(now);
  assert.equal(guard.ended(now), now + 60 * SECOND, 'it has behaved for ten minutes');
  guard.clear();
  assert.equal(guard.ended(now), now);
});
