import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SortedNumbers } from './sorted-numbers.ts';

test('numbers are where a sorted list has them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean())), (steps) => {
      const numbers = new SortedNumbers();
      let list: number[] = [];
      for (const [number, isIn] of steps) {
        if (isIn === list.includes(number)) continue;
        const before = list;
        list = isIn ? [...list, number].sort((a, b) => a - b) : list.filter((one) => one !== number);
        const place = isIn ? numbers.add(number) : numbers.delete(number);
        assert.equal(place, (isIn ? list : before).indexOf(number));
        assert.deepEqual([numbers.size, numbers.at(place), numbers.at(-1)], [list.length, list[place], undefined]);
        for (const [i, one] of list.entries()) assert.equal(numbers.placeOf(one), i);
      }
    }),
  );
});
