import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeU32 } from '../wire/bytes.ts';
import { parsePathPattern } from './path-pattern.ts';

type Segment = readonly [type: 1 | 2, numbers: readonly number[]];

const encode = (segments: readonly Segment[]): Uint8Array => {
  const out = new Uint8Array(segments.reduce((sum, [, numbers]) => sum + 2 + 4 * numbers.length, 0));
  let at = 0;
  for (const [type, numbers] of segments) {
    out.set([type, numbers.length], at);
    at += 2;
    for (const as of numbers) at = writeU32(out, at, as);
  }
  return out;
};

const LISTS = { few: [{ least: 7, most: 9 }], none: [] };

const test1 = (text: string, ...segments: readonly Segment[]): boolean => {
  const pattern = parsePathPattern(text, LISTS);
  assert.ok(typeof pattern !== 'string', String(pattern));
  const bytes = Uint8Array.of(1, 2, 3, ...encode(segments), 4);
  return pattern.test(bytes, 3, bytes.length - 1);
};
const matches = (text: string, ...numbers: readonly number[]): boolean =>
  numbers.length === 0 ? test1(text) : test1(text, [2, numbers]);

test('ASes, ranges, lists, and brackets', () => {
  assert.ok(matches('1 2 3', 1, 2, 3));
  assert.ok(!matches('1 2 3', 1, 2));
  assert.ok(!matches('1 2', 1, 2, 3));
  assert.deepEqual(
    [9, 10, 20, 21].map((as) => matches('10-20', as)),
    [false, true, true, false],
  );
  assert.deepEqual(
    [6, 7, 9, 10].map((as) => matches('@few', as)),
    [false, true, true, false],
  );
  assert.ok(!matches('@none', 1));
  assert.deepEqual(
    [1, 2, 3, 8].map((as) => matches('[1 3 @few]', as)),
    [true, false, true, true],
  );
  assert.deepEqual(
    [1, 2, 3, 8].map((as) => matches('[^1 3 @few]', as)),
    [false, true, false, false],
  );
  assert.ok(matches('. 4294967295', 5, 4_294_967_295));
  assert.ok(matches(' 1\t( 2|3 )', 1, 3));
});

test('choices and repetitions', () => {
  assert.ok(matches(''));
  assert.ok(!matches('', 1));
  assert.ok(matches('.*'));
  assert.ok(!matches('.+'));
  assert.ok(matches('.* 5 .*', 1, 5, 2) && matches('.* 5 .*', 5) && !matches('.* 5 .*', 1, 2));
  assert.deepEqual(
    [0, 1, 2].map((n) => matches('1?', ...Array<number>(n).fill(1))),
    [true, true, false],
  );
  const counts = (text: string) => [0, 1, 2, 3, 4, 5, 6].filter((n) => matches(text, ...Array<number>(n).fill(1)));
  assert.deepEqual(counts('1{2}'), [2]);
  assert.deepEqual(counts('1{2,4}'), [2, 3, 4]);
  assert.deepEqual(counts('1{0,2}'), [0, 1, 2]);
  assert.deepEqual(counts('1{3,}'), [3, 4, 5, 6]);
  assert.deepEqual(counts('(1 1)*'), [0, 2, 4, 6]);
  assert.deepEqual(counts('(1 1 1|1 1){2}'), [4, 5, 6]);
  assert.deepEqual(counts('(|1) 1'), [1, 2]);
  assert.deepEqual(counts('1{0} 1'), [1]);
});

test('a set is one AS that is each of its members, and segments follow each other', () => {
  assert.ok(test1('1 2 3 4', [2, [1, 2]], [2, [3, 4]]));
  assert.ok(test1('1 5', [2, [1]], [1, [4, 5]]) && test1('1 4', [2, [1]], [1, [4, 5]]));
  assert.ok(!test1('1 4 5', [2, [1]], [1, [4, 5]]));
  assert.ok(!test1('1 6', [2, [1]], [1, [4, 5]]));
});

test('what is wrong with a pattern, in a sentence', () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['(1', 'has a "(" without its ")"'],
    ['1)', 'has a ")" too many'],
    ['[1', 'has a "[" without its "]"'],
    ['[]', 'has brackets with nothing in them'],
    ['1 x 2', 'cannot be understood from "x 2" on'],
    ['[1 | 2]', 'has "|" where an AS number or a range is to be'],
    ['*', 'has "*" where an AS number or a range is to be'],
    ['9-1', 'has "9-1" where an AS number or a range is to be'],
    ['4294967296', 'has "4294967296" where an AS number or a range is to be'],
    ['@other', 'names the AS list "other", which there is not'],
    ['@toString', 'names the AS list "toString", which there is not'],
    ['1{3,2}', 'has "{3,2}", which is backwards'],
    ['1**', 'repeats what "*" repeats already'],
    ['1{257}', 'has more than 256 ASes once repetitions are written out'],
    ['(((){999}){999}){999}', 'has more than 256 ASes once repetitions are written out'],
    [`${'('.repeat(40)}${')'.repeat(40)}`, 'has more than 32 brackets inside of each other'],
  ];
  for (const [text, what] of wrong) assert.equal(parsePathPattern(text, LISTS), `path pattern "${text}" ${what}`);
  assert.notEqual(typeof parsePathPattern('1{256}', LISTS), 'string');
});

/** A pattern as text, and as a regular expression of letters, which backtracks but is right. */
const pattern = fc.letrec<{ node: readonly [string, string] }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<readonly [string, string]>(['1', 'b'], ['2', 'c'], ['.', '.'], ['[^1]', '[^b]'], ['1-2', '[bc]']),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => [`${a[0]} ${b[0]}`, `${a[1]}${b[1]}`] as const),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => [`(${a[0]}|${b[0]})`, `(?:${a[1]}|${b[1]})`] as const),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}'))
      .map(([a, times]) => [`(${a[0]})${times}`, `(?:${a[1]})${times}`] as const),
  ),
})).node;

test('a pattern matches what a regular expression of the same form does', () => {
  fc.assert(
    fc.property(pattern, fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 7 }), ([text, source], numbers) => {
      if (
        parsePathPattern(text, {}) === `path pattern "${text}" has more than 256 ASes once repetitions are written out`
      )
        return;
      const letters = numbers.map((n) => 'abcd'[n]).join('');
      assert.equal(matches(text, ...numbers), new RegExp(`^(?:${source})$`).test(letters), `${text} on ${numbers}`);
    }),
    { numRuns: 500 },
  );
});

test('a pattern that makes backtracking endless costs a hostile path no more than its length', () => {
  const path = encode(Array.from({ length: 64 }, () => [2, Array<number>(255).fill(1)] as const));
  const hard = parsePathPattern('((1+)+)+ (1|1)* 2', {});
  assert.ok(typeof hard !== 'string');
  assert.ok(!hard.test(path, 0, path.length));
});
