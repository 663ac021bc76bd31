import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageText } from './age.ts';

test('an age is told in the unit that says most', () => {
  const table = [
    [-5000, '0 s'],
    [1499, '1 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_199_000, '120 min'],
    [7_200_000, '2 h'],
    [172_799_000, '48 h'],
    [172_800_000, '2 d'],
  ] as const;
  for (const [ms, text] of table) assert.equal(ageText(ms), text);
});
