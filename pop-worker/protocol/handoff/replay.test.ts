import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REPLAY_PACKETS } from './limits.ts';
import { ReplayWindow } from './replay.ts';

/** What a window is for, with all the memory it wants. */
const model = () => {
  const seen = new Set<number>();
  let largest = -1;
  return (number: number): boolean => {
    if (seen.has(number) || largest - number >= REPLAY_PACKETS) return false;
    seen.add(number);
    largest = Math.max(largest, number);
    return true;
  };
};

test('each number counts once, in whatever order numbers come, as far as the window reaches', () => {
  const step = fc.oneof(
    fc.integer({ min: -40, max: 40 }),
    fc.constantFrom(0, 31, 32, 33, REPLAY_PACKETS - 1, REPLAY_PACKETS, REPLAY_PACKETS + 1, 1 - REPLAY_PACKETS),
    fc.integer({ min: -REPLAY_PACKETS - 2, max: 3 * REPLAY_PACKETS }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const window = new ReplayWindow();
      const take = model();
      let largest = -1;
      for (const each of steps) {
        const number = Math.max(0, largest + each);
        const taken = take(number);
        assert.equal(window.take(number), taken, `${number} after ${largest}`);
        if (taken) largest = Math.max(largest, number);
        assert.equal(window.largest, largest);
      }
    }),
    { numRuns: 300 },
  );
});

test('a window that moved on is as fresh as a new one', () => {
  const window = new ReplayWindow();
  for (let number = 0; number < 3 * REPLAY_PACKETS; number++) {
    assert.equal(window.take(number), true);
    assert.equal(window.take(number), false);
  }
  const edge = 3 * REPLAY_PACKETS - REPLAY_PACKETS;
  assert.equal(window.take(edge), false, 'seen');
  assert.equal(window.take(10 * REPLAY_PACKETS), true);
  for (let back = 1; back < REPLAY_PACKETS; back++) assert.equal(window.take(10 * REPLAY_PACKETS - back), true);
  assert.equal(window.take(9 * REPLAY_PACKETS), false, 'too old to tell');
});
