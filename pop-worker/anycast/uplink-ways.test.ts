import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UplinkWays } from './uplink-ways.ts';

const SECOND = 1_000_000;

/** @param faulty names, of two */
const found = (...faulty: string[]) =>
  new Map(['a', 'b'].map((name) => [name, faulty.includes(name) ? 'x' : undefined]));

test('a way is left out when it failed twice in a row, and is back once it held for two seconds', () => {
  const ways = new UplinkWays();
  const steps: readonly (readonly [at: number, faulty: string[], isOther: boolean, failed: string[]])[] = [
    [0, [], false, []],
    [1, ['a'], false, []],
    [2, [], false, []],
    [3, ['a'], false, []],
    [4, ['a'], true, ['a']],
    [5, ['a', 'b'], false, ['a']],
    [6, ['b'], true, ['a', 'b']],
    [7, [], false, ['a', 'b']],
    [8, [], true, ['b']],
    [9, [], true, []],
  ];
  for (const [at, faulty, isOther, failed] of steps) {
    assert.equal(ways.note(found(...faulty), at * SECOND), isOther, `at ${at}`);
    assert.deepEqual([...ways.failed].sort(), failed, `at ${at}`);
  }
});

test('one that is gone is forgotten', () => {
  const ways = new UplinkWays();
  for (const at of [0, 1]) ways.note(found('a'), at);
  assert.equal(ways.note(new Map([['b', undefined]]), 2), true);
  assert.equal(ways.note(found(), 3), false);
  assert.deepEqual([...ways.failed], []);
});
