import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateFence, Fence, FenceKeeper } from './fence.ts';

const MS = 1000;

test('a thread that was stopped waits until the worker is found to serve, unless the lease goes on', () => {
  const memory = allocateFence(1);
  const keeper = new FenceKeeper(memory);
  let now = 1_000_000;
  const fence = new Fence(memory, 0, () => now);
  const after = (ms: number): boolean => {
    now += ms * MS;
    return fence.mayServe();
  };
  keeper.keep(now + 300 * MS, true, now);
  assert.equal(after(50), true);
  assert.equal(after(200), true, 'the lease goes on');
  assert.equal(after(200), false, 'it ran out');
  assert.equal(after(5), false);
  keeper.keep(now, false, now + MS);
  assert.equal(after(5), false, 'its mesh thread is not sure yet');
  keeper.keep(0, true, now + MS);
  assert.equal(after(5), false, 'what the mesh has heard is on its way to this thread');
  keeper.keep(0, true, now + 96 * MS);
  assert.equal(after(100), true, 'one that hears nobody serves without a lease');
  assert.equal(fence.isLate, true);
  assert.equal(after(149), true, 'a gap of that length is none');
  now += 850 * MS;
  assert.equal(fence.isLate, true);
  now += MS;
  assert.equal(fence.isLate, false, 'what had waited has been read');
});
