import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../../contract.ts';
import { REFRESH_EVERY_US, RefreshPace } from './refresh-pace.ts';

test('requests that come before the next refresh may be told become one', () => {
  const pace = new RefreshPace();
  assert.equal(pace.asked(1, 100), true);
  assert.equal(pace.deadline(), NEVER);
  for (let i = 0; i < 3; i++) assert.equal(pace.asked(1, 200 + i), false);
  assert.equal(pace.deadline(), 100 + REFRESH_EVERY_US);
  assert.deepEqual(pace.due(99 + REFRESH_EVERY_US), []);
  assert.deepEqual(pace.due(100 + REFRESH_EVERY_US), [1]);
  assert.equal(pace.deadline(), NEVER);
  assert.equal(pace.asked(1, 100 + 2 * REFRESH_EVERY_US - 1), false);
  assert.deepEqual(pace.due(100 + 2 * REFRESH_EVERY_US), [1]);
  assert.equal(pace.asked(1, 100 + 3 * REFRESH_EVERY_US), true);
});

test('families do not wait for each other, nor a session for the one before', () => {
  const pace = new RefreshPace();
  assert.equal(pace.asked(1, 0), true);
  assert.equal(pace.asked(2, 1), true);
  assert.equal(pace.asked(2, 2), false);
  pace.clear();
  assert.equal(pace.deadline(), NEVER);
  assert.equal(pace.asked(2, 3), true);
});
