import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { native } from '../native.ts';
import { helperThreads, yieldHelpers } from './helpers.ts';

test('threads that compile come behind those that carry packets', () => {
  const threads = helperThreads();
  assert.ok(threads.length > 0, 'this Node names them otherwise');
  const self = native.threadId();
  assert.ok(!threads.includes(self));
  const before = getPriority(self);
  // Whoever is told twice stays where it is.
  for (let i = 0; i < 2; i++) yieldHelpers();
  // Relative to it: who goes before all others would starve them.
  assert.deepEqual(new Set(threads.map((id) => getPriority(id))), new Set([Math.min(19, before + 5)]));
  assert.equal(getPriority(self), before);
});
