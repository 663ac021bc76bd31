import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { noticedWith } from './broken/cases.ts';
import { WRONGS } from './broken/wrongs.ts';
import { figuresOf } from './cases.ts';
import { Day } from './day.ts';
import { PATTERNS } from './patterns.ts';
import { RULES } from './rules.ts';
import { WEATHERS } from './weather.ts';

test('ten hours of a hostile network: all of it happens, and no rule is broken', () => {
  const day = new Day({ hours: 10 }, 2);
  day.run();
  assert.deepEqual([...day.rules.broken], []);
  const all = [...Object.values(WEATHERS), ...Object.values(PATTERNS)].map(({ name }) => name);
  assert.deepEqual([...day.seen].sort(), all.sort());
  for (const { metric, value } of figuresOf(day)) if (metric !== 'rules_broken') assert.ok(value > 0, metric);
});

test('the same seed gives the same figures, another seed others', () => {
  const [once, again, other] = [5, 5, 6].map((seed) => {
    const day = new Day({ hours: 1, weathers: ['all'], patterns: ['steady'] }, seed);
    day.run();
    return figuresOf(day);
  });
  assert.deepEqual(again, once);
  assert.notDeepEqual(other, once);
});

test('each rule is broken by something, and each change can be made', () => {
  const broken = new Set(WRONGS.map(({ breaks }) => breaks));
  assert.deepEqual([...broken].sort(), Object.keys(RULES).sort());
  for (const { file, from, name } of WRONGS) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    assert.equal(source.split(from).length, 2, `${name}: \`${from}\` stands once in ${file}`);
  }
});

for (const name of ['any-timestamp', 'patience']) {
  test(`what is put wrong is noticed: ${name}`, async () => {
    const wrong = WRONGS.find((one) => one.name === name);
    assert.ok(wrong);
    assert.ok((await noticedWith(wrong, 1)) >= 1);
  });
}
