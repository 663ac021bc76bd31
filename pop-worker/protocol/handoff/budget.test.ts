import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADDRESS_WORDS } from '../address.ts';
import { Budgets, sourceBucket } from './budget.ts';
import { SOURCE_BUCKETS } from './limits.ts';

test('a bucket has a tenth of a second at once, fills with time, never above that, and is nobody else’s', () => {
  const budgets = new Budgets(2, 10_000_000);
  assert.equal(budgets.take(0, 1_000_000, 0), true);
  assert.equal(budgets.take(0, 1, 0), false);
  assert.equal(budgets.take(0, 100, 10), true, 'ten bytes a microsecond');
  assert.equal(budgets.take(0, 1, 10), false);
  assert.equal(budgets.take(0, 51, 15), false, 'too much takes nothing');
  assert.equal(budgets.take(0, 50, 15), true);
  assert.equal(budgets.take(0, 1, 15), false, 'time counts once');
  assert.equal(budgets.take(0, 1_000_001, 1e9), false, 'no more than at first');
  assert.equal(budgets.take(0, 1_000_000, 1e9), true);
  assert.equal(budgets.take(0, 1, 1e9 - 100), false, 'a clock that goes back gives nothing');
  assert.equal(budgets.take(1, 1_000_000, 0), true);
});

test('a slow bucket has room for the largest packets all the same, or for what it is told', () => {
  const slow = new Budgets(1, 1);
  assert.equal(slow.take(0, 65_536, 0), true);
  assert.equal(slow.take(0, 1, 0), false);
  const trials = new Budgets(1, 10, 10);
  for (let i = 0; i < 10; i++) assert.equal(trials.take(0, 1, 0), true);
  assert.equal(trials.take(0, 1, 99_999), false);
  assert.equal(trials.take(0, 1, 100_000), true);
});

const words = (family: 4 | 6, ...rest: number[]): Int32Array => {
  const made = new Int32Array(1 + ADDRESS_WORDS);
  made[1] = family;
  made.set(rest, 3);
  return made;
};
const bucket = (family: 4 | 6, ...rest: number[]): number => sourceBucket(words(family, ...rest), 1, 99);

test('a source is an IPv4 address, or an IPv6 /64, whatever its port', () => {
  const four = words(4, 0x0102_0304);
  const other = four.slice();
  other[1] = 4 | (9999 << 16);
  assert.equal(sourceBucket(four, 1, 99), sourceBucket(other, 1, 99));
  // What IPv4 has in none of its words does not count.
  assert.equal(bucket(4, 7, 1, 2, 3), bucket(4, 7, 0, 0, 0));
  assert.equal(bucket(6, 7, 8, 1, 2), bucket(6, 7, 8, 3, 4));
});

test('sources spread over all buckets, otherwise with another seed: nobody aims at a neighbour’s', () => {
  const count = 4 * SOURCE_BUCKETS;
  for (const [what, of] of [
    ['IPv4, the last byte of the network order', (i: number) => words(4, i << 16)],
    ['IPv4', (i: number) => words(4, i)],
    ['/64s of a /48', (i: number) => words(6, 0xb80d0120, i << 16)],
    ['/32s', (i: number) => words(6, i, 0)],
  ] as const) {
    const used = new Set<number>();
    let moved = 0;
    for (let i = 0; i < count; i++) {
      const at = sourceBucket(of(i), 1, 99);
      assert.ok(Number.isInteger(at) && at >= 0 && at < SOURCE_BUCKETS);
      used.add(at);
      if (sourceBucket(of(i), 1, 100) !== at) moved++;
    }
    // By chance 1 - e^-4 of them.
    assert.ok(used.size > 0.97 * SOURCE_BUCKETS, `${what}: ${used.size}`);
    assert.ok(moved > 0.99 * count, `${what}: ${moved}`);
  }
  let alike = 0;
  for (let i = 0; i < count; i++) if (bucket(4, i) === bucket(6, i, 0)) alike++;
  assert.ok(alike < count / 100, 'families apart');
});
