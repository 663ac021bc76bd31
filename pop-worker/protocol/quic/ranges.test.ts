import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeSet } from './ranges.ts';

const listed = (set: RangeSet): [number, number][] =>
  Array.from({ length: set.count }, (_, i) => [set.low(i), set.high(i)]);

test('an in-order run is one range', () => {
  const set = new RangeSet(4);
  for (let i = 0; i < 1000; i++) assert.equal(set.add(i), true);
  assert.deepEqual(listed(set), [[0, 999]]);
  assert.equal(set.add(5), false);
});

test('ranges are listed from the highest down, and join when they touch', () => {
  const set = new RangeSet(10);
  for (const n of [1, 5, 3, 9]) set.add(n);
  assert.deepEqual(listed(set), [
    [9, 9],
    [5, 5],
    [3, 3],
    [1, 1],
  ]);
  assert.equal(set.addRange(2, 4), true);
  assert.deepEqual(listed(set), [
    [9, 9],
    [1, 5],
  ]);
  assert.equal(set.addRange(2, 5), false);
});

test('beyond the maximum the lowest range goes, is counted and raises the floor', () => {
  const set = new RangeSet(2);
  set.addRange(10, 11);
  set.add(20);
  set.add(30);
  assert.deepEqual(
    [listed(set), set.dropped, set.floor],
    [
      [
        [30, 30],
        [20, 20],
      ],
      1,
      12,
    ],
  );
  set.add(5);
  assert.deepEqual(
    [listed(set), set.dropped, set.floor],
    [
      [
        [30, 30],
        [20, 20],
      ],
      2,
      12,
    ],
  );
});

test('a set that always grows at the end and shrinks at the start needs no more memory', () => {
  const set = new RangeSet(8);
  for (let i = 0; i < 10_000; i += 2) {
    set.add(i);
    if (i >= 10) set.removeBelow(i - 5);
  }
  assert.deepEqual(listed(set), [
    [9998, 9998],
    [9996, 9996],
    [9994, 9994],
  ]);
});

type Step = ['add' | 'remove', number, number] | ['below', number];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constantFrom('add' as const, 'remove' as const), fc.nat(60), fc.nat(8)),
  fc.tuple(fc.constant('below' as const), fc.nat(60)),
);

const applyTo = (model: Set<number>, [what, from, length]: Step): boolean => {
  if (what === 'below') {
    for (const n of model) if (n < from) model.delete(n);
    return false;
  }
  let fresh = false;
  for (let n = from; n <= from + (length ?? 0); n++) {
    if (what === 'remove') model.delete(n);
    else if (!model.has(n)) {
      fresh = true;
      model.add(n);
    }
  }
  return fresh;
};

test('it does what a plain set does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const set = new RangeSet(Number.POSITIVE_INFINITY);
      const model = new Set<number>();
      for (const next of steps) {
        const fresh = applyTo(model, next);
        if (next[0] === 'add') assert.equal(set.addRange(next[1], next[1] + next[2]), fresh);
        else if (next[0] === 'remove') set.removeRange(next[1], next[1] + next[2]);
        else set.removeBelow(next[1]);
      }
      const ranges = listed(set);
      const members = new Set(
        ranges.flatMap(([low, high]) => Array.from({ length: high - low + 1 }, (_, i) => low + i)),
      );
      assert.deepEqual(
        [...members].sort((a, b) => a - b),
        [...model].sort((a, b) => a - b),
      );
      for (let i = 1; i < ranges.length; i++)
        assert.ok((ranges[i] as number[])[1]! < (ranges[i - 1] as number[])[0]! - 1);
      for (let n = 0; n < 70; n++) {
        assert.equal(set.contains(n), model.has(n));
        const end = ranges.find(([low, high]) => low <= n && n <= high)?.[1] ?? -1;
        assert.equal(set.coveredUntil(n), end);
        const ahead = ranges.filter(([, high]) => high >= n).at(-1)?.[0] ?? Number.POSITIVE_INFINITY;
        assert.equal(set.nextLow(n), ahead);
      }
    }),
    { numRuns: 300 },
  );
});
