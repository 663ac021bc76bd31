import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REPLAY_WINDOW } from './limits.ts';
import { ReplayWindow } from './replay-window.ts';

test('each counter is taken once, in any order, as far back as the window goes', () => {
  const window = new ReplayWindow();
  assert.equal(window.take(0, REPLAY_WINDOW), true);
  assert.equal(window.take(0, 0), false, 'one too old');
  for (let counter = REPLAY_WINDOW - 1; counter > 0; counter--) assert.equal(window.take(0, counter), true);
  for (let counter = 0; counter <= REPLAY_WINDOW; counter++) assert.equal(window.take(0, counter), false);
});

test('edges: a jump of exactly the window, of one less, across words and across 2^32', () => {
  for (const [high, low] of [
    [0, 5],
    [0, 0xffff_fffa],
    [7, 0xffff_ffff],
  ] as const) {
    for (const jump of [1, 31, 32, 33, REPLAY_WINDOW - 1, REPLAY_WINDOW, REPLAY_WINDOW + 1, 2 ** 33]) {
      const window = new ReplayWindow();
      assert.ok(window.take(high, low));
      const next = low + jump;
      assert.ok(window.take(high + Math.floor(next / 2 ** 32), next % 2 ** 32));
      assert.equal(window.take(high, low), false);
      const after = low + 1;
      const isNew = jump !== 1 && jump - 1 < REPLAY_WINDOW;
      assert.equal(window.take(high + Math.floor(after / 2 ** 32), after % 2 ** 32), isNew, `${low} + ${jump}`);
    }
  }
});

test('what the window has left behind is clear when it comes round', () => {
  for (const step of [1, 3, 31, 32, 33, 63, 64, 65, 100, 4000, REPLAY_WINDOW - 1]) {
    const window = new ReplayWindow();
    let last = 0;
    for (; last < 5 * REPLAY_WINDOW; last += step) assert.ok(window.take(0, last), `${step}: ${last}`);
    last -= step;
    for (let counter = last - REPLAY_WINDOW; counter <= last; counter++) {
      const isNew = counter > last - REPLAY_WINDOW && counter % step !== 0;
      assert.equal(window.take(0, counter), isNew, `${step}: ${counter}`);
    }
  }
});

test('the largest counters', () => {
  const window = new ReplayWindow();
  assert.ok(window.take(0, 0));
  assert.ok(window.take(0xffff_ffff, 0xffff_0000));
  assert.equal(window.take(0xffff_ffff, 0xffff_0000), false);
  assert.ok(window.take(0xffff_ffff, 0xffff_0001));
  assert.equal(window.take(0, 1), false);
});

test('it answers as a set of all counters would', () => {
  const counters = fc.array(fc.oneof(fc.nat(50), fc.nat(3 * REPLAY_WINDOW), fc.integer({ min: 20_000, max: 20_100 })));
  fc.assert(
    fc.property(counters, fc.constantFrom(0, 2 ** 32 - 10_000, 2 ** 40), (offsets, base) => {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let largest = -1;
      for (const offset of offsets) {
        const counter = base + offset;
        const isNew = !seen.has(counter) && counter > largest - REPLAY_WINDOW;
        assert.equal(window.take(Math.floor(counter / 2 ** 32), counter % 2 ** 32), isNew);
        seen.add(counter);
        largest = Math.max(largest, counter);
      }
    }),
  );
});
