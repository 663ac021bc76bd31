import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SkippedNumbers } from './skipped-numbers.ts';

/** Disjoint ranges in ascending order from gaps and lengths. */
function ascending(steps: readonly (readonly [number, number])[]): [number, number][] {
  const ranges: [number, number][] = [];
  let at = 0;
  for (const [gap, length] of steps) {
    ranges.push([at + gap, at + gap + length]);
    at += gap + length + 2;
  }
  return ranges;
}

const steps = (most: number): fc.Arbitrary<[number, number][]> =>
  fc.array(fc.tuple(fc.nat(12), fc.nat(3)), { maxLength: most }).map(ascending);

test('an overlap of ranges with the latest eight runs is found, and nothing else is', () => {
  fc.assert(
    fc.property(steps(12), steps(12), (runs, acked) => {
      const skipped = new SkippedNumbers();
      for (const [low, high] of runs) skipped.add(low, high);
      const ranges = Float64Array.from(acked.toReversed().flat());
      const remembered = runs.slice(-8);
      const expected = remembered.some(([low, high]) => acked.some((range) => range[0] <= high && range[1] >= low));
      assert.equal(skipped.overlaps(ranges, acked.length), expected);
    }),
    { numRuns: 500 },
  );
});

test('counts what was skipped between two packets', () => {
  const skipped = new SkippedNumbers();
  skipped.add(3, 4);
  skipped.add(9, 9);
  assert.equal(skipped.between(2, 10), 3);
  assert.equal(skipped.between(5, 10), 1);
  assert.equal(skipped.between(5, 8), 0);
});
