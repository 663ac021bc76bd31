import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecsIn, formatPercent, percentOf, record, summaryOf } from './score.ts';

test('a score is never rounded up to what it is not', () => {
  assert.equal(percentOf({ noticed: 7999, all: 10_000 }), 79.9);
  assert.equal(percentOf({ noticed: 80, all: 100 }), 80);
  assert.equal(formatPercent({ noticed: 2, all: 3 }), '66.6 %');
  assert.equal(formatPercent({ noticed: 0, all: 0 }), '100.0 %');
});

test('the summary begins with the worst, and marks what is too little', () => {
  const scores = new Map([
    ['a', { noticed: 9, all: 10 }],
    ['long-name', { noticed: 79, all: 100 }],
    ['b', { noticed: 8, all: 10 }],
  ]);
  assert.deepEqual(summaryOf(scores, 80).split('\n'), [
    'long-name     79 of 100   79.0 %  below 80 %',
    'b               8 of 10   80.0 %',
    'a               9 of 10   90.0 %',
  ]);
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
  const written = record(MANUAL, new Map([['one', { noticed: 100, all: 100 }]]));
  assert.equal(written, MANUAL.replace('?      ', '100.0 %'));
  assert.throws(() => record(MANUAL, new Map([['another', { noticed: 1, all: 1 }]])), /no row for another/);
});
