import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blankOut, mutationsOf } from './mutations.ts';

const changes = (source: string): string[] =>
  mutationsOf(source).map(({ line, from, to }) => `${line}: ${from} → ${to}`);

test('comparisons, numbers, logic', () => {
  assert.deepEqual(changes('export const f = (a: number) => a < 7 && a !== 0;\n').sort(), [
    '1: !== → ===',
    '1: && → ||',
    '1: 0 → 1',
    '1: 7 → 6',
    '1: 7 → 8',
    '1: < → <=',
    '1: < → >=',
  ]);
});

test('booleans, negations and statements', () => {
  const source = 'export const g = (a: boolean): boolean => {\n  if (!a) throw 1;\n  return true;\n};\n';
  assert.deepEqual(changes(source), [
    '2: 1 → 2',
    '2: 1 → 0',
    '2: ! → ',
    '2: if (!a) throw 1; → ',
    '3: true → false',
    '3: return true; → ',
  ]);
});

test('fields without a value are left alone, other short statements are not', () => {
  const source =
    'class A {\n  readonly #a: string;\n  b = "";\n}\nfor (;;) {\n  if (A) {\n    A();\n  }\n  continue;\n}\n';
  assert.deepEqual(changes(source), ['3: b = ""; → ', '7: A(); → ', '9: continue; → ']);
});

test('types, comments, strings and imports are left alone', () => {
  const source =
    "import { a } from './b1.ts';\n// 1 < 2\ntype T = Map<string, 1 | 2>;\nexport const s: T | 'x' = '1 < 2';\n";
  assert.deepEqual(changes(source), []);
  assert.equal(blankOut(source).length, source.length);
});

test('the fault is in the text, everything else stays', () => {
  const [first] = mutationsOf('export const n = 41 + 1;\n');
  assert.equal(first?.source, 'export const n = 41 - 1;\n');
});
