import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { noticedWith } from './broken/cases.ts';
import { WRONGS } from './broken/wrongs.ts';
import { RULES } from './rules.ts';
import { tellStory } from './story.ts';

const SMALL = { pops: 9, clients: 200 };

test('PoPs are killed, stopped, stuck and drained, the mesh falls apart: no rule is broken', () => {
  const { broken, figures } = tellStory({ ...SMALL, faults: ['kill', 'wedge', 'split', 'drain', 'stop', 'oneWay'] }, 3);
  assert.deepEqual([...broken], []);
  const figure = (name: string): number => figures.find(({ metric }) => metric === name)?.value ?? -1;
  assert.ok(figure('moves') > 0);
  assert.equal(figure('hops_between_workers'), 2);
});

test('a worker that is up for its control plane and dead on the wire loses its devices, and nothing else', () => {
  const lines: string[] = [];
  const { broken } = tellStory({ ...SMALL, faults: ['cutOff'] }, 5, (line) => lines.push(line));
  assert.deepEqual([...broken], []);
  const told = lines.slice(lines.findIndex((line) => line.includes('cutOff'))).join('\n');
  const [, gone] = /(\d) withdraws/.exec(told) ?? [];
  assert.ok(gone);
  // All others say so, and it says so of nobody.
  const verdicts = [...told.matchAll(/(\d) is dead for (\d)/g)].map(([, who, whom]) => ({ who, whom }));
  assert.deepEqual([...new Set(verdicts.map(({ who }) => who))], [gone]);
  assert.equal(new Set(verdicts.map(({ whom }) => whom)).size, SMALL.pops - 1);
  assert.match(told, new RegExp(`${gone} announces`));
});

test('the same seed gives the same story', () => {
  const lines = (): string[] => {
    const told: string[] = [];
    tellStory({ ...SMALL, faults: ['kill', 'reroute'] }, 2, (line) => told.push(line));
    return told;
  };
  const first = lines();
  assert.ok(first.some((line) => /^\d+\.\d ms {2}\d is dead for \d$/.test(line)));
  assert.deepEqual(lines(), first);
});

test('each rule is broken by something, and each change can be made', () => {
  const broken = new Set(WRONGS.map(({ breaks }) => breaks));
  assert.deepEqual([...broken].sort(), Object.keys(RULES).sort());
  for (const { file, from, name } of WRONGS) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    assert.equal(source.split(from).length, 2, `${name}: \`${from}\` stands once in ${file}`);
  }
});

for (const name of ['lease-while-accused', 'settled-at-once']) {
  test(`what is put wrong is noticed: ${name}`, async () => {
    const wrong = WRONGS.find((one) => one.name === name);
    assert.ok(wrong);
    assert.ok((await noticedWith(wrong, 1)) >= 1);
  });
}
