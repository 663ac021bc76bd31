import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecsIn, formatPercent, percentOf, record, scoreLine, sliceOf, summaryOf } from './score.ts';

test('a score is never rounded up to what it is not', () => {
  assert.equal(percentOf({ noticed: 7999, all: 10_000 }), 79.9);
  assert.equal(percentOf({ noticed: 80, all: 100 }), 80);
  assert.equal(formatPercent({ noticed: 2, all: 3, left: 0 }), '66.6 %');
  assert.equal(formatPercent({ noticed: 0, all: 0, left: 0 }), '100.0 %');
});

test('the summary begins with the worst, and marks what is too little', () => {
  const scores = new Map([
    ['a', { noticed: 9, all: 10, left: 5 }],
    ['long-name', { noticed: 79, all: 100, left: 0 }],
    ['b', { noticed: 8, all: 10, left: 0 }],
  ]);
  assert.deepEqual(summaryOf(scores, 80).split('\n'), [
    'long-name     79 of 100   79.0 %  below 80 %',
    'b               8 of 10   80.0 %',
    'a               9 of 10   90.0 %  5 not tried yet',
  ]);
});

test('a line says what a score is of', () => {
  assert.equal(scoreLine('a', { noticed: 9, all: 10, left: 0 }), 'a: 9 of 10 noticed, 90.0 %');
  assert.equal(scoreLine('a', { noticed: 9, all: 10, left: 5 }), 'a: 9 of 10 noticed, 90.0 %; 5 were not tried yet');
});

test('slices have each fault in one of them, and no other slice is taken', () => {
  const numbers = Array.from({ length: 20 }, (_, i) => i);
  const slices = ['1/3', '2/3', '3/3'].map((text) => numbers.filter(sliceOf(text)));
  assert.deepEqual(
    slices.flat().sort((a, b) => a - b),
    numbers,
  );
  assert.deepEqual(numbers.filter(sliceOf('1/1')), numbers);
  for (const text of ['0/3', '4/3', '1/0', '2', '', '1/2/3', '-1/2', 'x/y'])
    assert.throws(() => sliceOf(text), /RangeError: --slice .*: give a part and their number, as in 2\/5/, text);
});

const MANUAL = `
| parser | tests    | codec  | noticed |
| ------ | -------- | ------ | ------- |
| One    | \`a.ts\` | \`one\`  | ?       |
| Other  | \`b.ts\` | \`other\` | 81.0 %  |
Text of \`one\`.
`;

test('the table of the manual is read and written, nothing else in it', () => {
  assert.deepEqual(
    [...codecsIn(MANUAL)],
    [
      ['one', '?'],
      ['other', '81.0 %'],
    ],
  );
  const written = record(MANUAL, new Map([['one', { noticed: 100, all: 100, left: 0 }]]));
  assert.equal(written, MANUAL.replace('?      ', '100.0 %'));
  assert.throws(() => record(MANUAL, new Map([['another', { noticed: 1, all: 1, left: 0 }]])), /no row for another/);
});
