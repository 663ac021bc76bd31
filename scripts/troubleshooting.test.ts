import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './setup/paths.mjs';
import { sourceFiles } from './source-files.ts';

/** Shorter ones are in many places. */
const LEAST_CHARACTERS = 10;

/** Each sentence of the first column in parts that a program has as they are: between what differs, clause by clause. */
const clausesOf = (markdown: string): { readonly sentence: string; readonly clauses: readonly string[] }[] =>
  [...markdown.matchAll(/^\| `([^`]+)`/gm)].map(([, sentence = '']) => ({
    sentence,
    clauses: sentence
      .split(/…|[:;,]\s|[()]/)
      .map((clause) => clause.trim())
      .filter(({ length }) => length >= LEAST_CHARACTERS),
  }));

/** As it would be printed: texts of several lines are one, and backticks are of no account. */
const printed = (source: string): string => source.replaceAll(/'\s*\+\s*'|\\?`/g, '');

test('clauses are what a program has as it is', () => {
  const [first] = clausesOf('| one sees |\n| `the key … is not that of … (mode …): name a good pair` | why |\n');
  assert.deepEqual(first?.clauses, ['is not that of', 'name a good pair']);
  assert.equal(printed("'a long ' +\n      'text \\`x\\`'"), "'a long text x'");
});

test('every sentence that the page on troubles quotes is one that a program says', () => {
  const sources = sourceFiles('*.ts').filter((file) => !file.endsWith('.test.ts') && !file.includes('/gen/'));
  const source = sources.map((file) => printed(readFileSync(path.join(root, file), 'utf8'))).join('\n');
  const quoted = clausesOf(readFileSync(path.join(root, 'docs/troubleshooting.md'), 'utf8'));
  assert.ok(quoted.length > 20, 'there are sentences');
  const lost = quoted.flatMap(({ sentence, clauses }) => {
    const missing = clauses.filter((clause) => !source.includes(clause));
    return missing.length > 0 || clauses.length === 0 ? [`${sentence}: ${missing.join(' | ')}`] : [];
  });
  assert.deepEqual(lost, []);
});
