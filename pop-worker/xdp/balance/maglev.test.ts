import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RING_PLACES, type RingMember, ringOf } from './maglev.ts';

const members = (count: number, weight: (i: number) => number = () => 1): RingMember[] =>
  Array.from({ length: count }, (_, i) => ({ id: i + 1, name: `192.0.2.${i + 1}`, weight: weight(i) }));

const placesOf = (ring: Uint16Array): Map<number, number> => {
  const places = new Map<number, number>();
  for (const id of ring.subarray(0, RING_PLACES)) places.set(id, (places.get(id) ?? 0) + 1);
  return places;
};

/** How many places have another one than before, of those that need not. */
const moved = (before: Uint16Array, after: Uint16Array, gone: number): number => {
  let count = 0;
  for (let i = 0; i < RING_PLACES; i++) if (before[i] !== gone && before[i] !== after[i]) count++;
  return count;
};

test('of equals each has as many places as the others, but for one', () => {
  for (const count of [1, 2, 3, 7, 100, 1000]) {
    const places = placesOf(ringOf(members(count)));
    assert.equal(places.size, count);
    for (const number of places.values()) assert.ok(Math.abs(number - RING_PLACES / count) <= 1, `${count}: ${number}`);
  }
});

test('places are shared as weights are', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }), (weights) => {
      const places = placesOf(ringOf(members(weights.length, (i) => weights[i] as number)));
      const sum = weights.reduce((all, weight) => all + weight, 0);
      weights.forEach((weight, i) => {
        const share = (places.get(i + 1) ?? 0) / RING_PLACES;
        assert.ok(Math.abs(share - weight / sum) < 0.002, `${weight} of ${sum}: ${share}`);
      });
    }),
    { numRuns: 30 },
  );
});

test('when one of many goes, its places are shared and few others change', (t) => {
  for (const count of [2, 5, 10, 50, 100]) {
    const all = members(count);
    const before = ringOf(all);
    const after = ringOf(all.filter(({ id }) => id !== 1));
    const share = moved(before, after, 1) / RING_PLACES;
    t.diagnostic(`1 of ${count} gone: ${(100 * share).toFixed(2)} % of places moved that need not`);
    assert.ok(share < 0.05, `${count}: ${share}`);
    assert.equal(placesOf(after).has(1), false);
  }
});

test('when one comes, nobody gets places but it and few others', () => {
  const all = members(20);
  const [before, after] = [ringOf(all.slice(1)), ringOf(all)];
  assert.ok(moved(after, before, 1) / RING_PLACES < 0.05);
});

test('the ring follows from names and weights, not from the order', () => {
  const all = members(9, (i) => 1 + (i % 3));
  assert.deepEqual(ringOf(all.toReversed()), ringOf(all));
  assert.deepEqual(placesOf(ringOf([])), new Map([[0, RING_PLACES]]));
});
