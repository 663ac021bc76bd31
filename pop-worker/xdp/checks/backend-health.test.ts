import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BackendHealth, DAMPENING } from './backend-health.ts';

const RULES = { rise: 2, fall: 3 };
const STEP_MS = 1000;

/** @param results of checks a second apart, `+` passes, `-` fails @returns the state after each */
const states = (results: string, health = new BackendHealth(RULES, 0), fromMs = 0): string[] =>
  [...results].map((result, i) => {
    health.seen(result === '+', fromMs + (i + 1) * STEP_MS);
    return health.state;
  });

test('the first check that passes is enough; one that is not known is down with the last of those that it takes', () => {
  assert.deepEqual(states('+'), ['up']);
  assert.deepEqual(states('---'), ['unknown', 'unknown', 'down']);
  assert.deepEqual(states('--+'), ['unknown', 'unknown', 'up']);
});

test('it falls and rises by checks in a row, and any other between begins the row anew', () => {
  assert.deepEqual(states('+--+--+---'), [...Array(9).fill('up'), 'down']);
  assert.deepEqual(states('---+-+-++').slice(2), [...Array(6).fill('down'), 'up']);
});

test('it is in a state since it came to it, whatever else is seen', () => {
  const health = new BackendHealth(RULES, 0);
  states('+++---+', health);
  assert.equal(health.sinceMs, 6 * STEP_MS);
});

test('other rules keep what was found, and begin rows anew', () => {
  const health = new BackendHealth(RULES, 0);
  states('+--', health);
  health.change({ rise: 1, fall: 2 });
  assert.deepEqual(states('--+', health, 3000), ['up', 'down', 'up']);
});

const flapped = (times: number) => {
  const health = new BackendHealth({ rise: 1, fall: 1 }, 0);
  states(`+${'-+'.repeat(times)}`, health);
  return { health, atMs: (1 + 2 * times) * STEP_MS };
};

test('who falls three times within a minute is held until its penalty has decayed', () => {
  assert.equal(flapped(2).health.state, 'up');
  const { health, atMs } = flapped(3);
  assert.equal(health.state, 'held');
  assert.ok(health.penalty(atMs) > 2800 && health.penalty(atMs) < 3000);
  const leftMs = DAMPENING.halfLifeMs * Math.log2(health.penalty(atMs) / DAMPENING.reuseBelow);
  assert.equal(health.settle(atMs + leftMs - 10), false);
  assert.equal(health.settle(atMs + leftMs + 10), true);
  assert.equal(health.state, 'up');
  assert.equal(health.sinceMs, atMs + leftMs + 10);
});

test('who falls once in two half-lives is never held', () => {
  const health = new BackendHealth({ rise: 1, fall: 1 }, 0);
  for (let i = 0; i < 50; i++) {
    health.seen(true, i * 2 * DAMPENING.halfLifeMs);
    assert.equal(health.state, 'up');
    health.seen(false, (i + 0.5) * 2 * DAMPENING.halfLifeMs);
  }
});

test('nobody is held for longer than three half-lives after the last fall', () => {
  const { health, atMs } = flapped(100);
  assert.equal(health.state, 'held');
  assert.ok(health.penalty(atMs) <= DAMPENING.most);
  health.settle(atMs + 3 * DAMPENING.halfLifeMs);
  assert.equal(health.state, 'up');
});

test('whatever is seen, only rows of checks change who is up and who is down', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (results, rise, fall) => {
        const health = new BackendHealth({ rise, fall }, 0);
        for (const [i, result] of results.entries()) {
          const before = health.state;
          health.seen(result, i * 100_000);
          const after = health.state;
          if (before !== 'down' && after === 'down')
            assert.ok(i + 1 >= fall && results.slice(i + 1 - fall, i + 1).every((one) => !one));
          if (before === 'down' && after !== 'down')
            assert.ok(results.slice(i + 1 - rise, i + 1).every((one) => one) && i + 1 >= rise);
          if (results.slice(Math.max(0, i + 1 - fall), i + 1).every((one) => !one) && i + 1 >= fall)
            assert.equal(after, 'down');
        }
      },
    ),
  );
});
