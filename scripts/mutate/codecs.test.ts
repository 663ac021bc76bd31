import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../setup/paths.mjs';
import { CODECS } from './codecs.ts';
import { EQUIVALENT, isMeant } from './equivalent.ts';
import { measuredIn } from './measured.ts';
import { mutationsOf } from './mutations.ts';
import { codecsIn } from './score.ts';

test('each codec has files, each glob finds tests, and no file is in two codecs', () => {
  const files = Object.values(CODECS).flatMap((codec) => codec.files);
  for (const file of files) assert.ok(existsSync(path.join(root, file)), file);
  assert.equal(new Set(files).size, files.length);
  for (const glob of Object.values(CODECS).flatMap((codec) => codec.tests)) {
    assert.ok(globSync(glob, { cwd: root }).length > 0, glob);
  }
});

test('the manual has a row for each codec and no other, with files that there are', () => {
  const manual = readFileSync(path.join(root, 'docs/bad-input.md'), 'utf8');
  assert.deepEqual([...codecsIn(manual).keys()].sort(), Object.keys(CODECS).sort());
  const named = [...manual.matchAll(/`([\w./-]+(?:\.json|\.test\.ts|\/corpus\/))`/g)].map(([, file]) => file as string);
  assert.ok(named.length > 30);
  for (const file of named) assert.ok(existsSync(path.join(root, file)), file);
});

test('each codec has a score in the manual, and none is below 80 %', () => {
  const manual = readFileSync(path.join(root, 'docs/bad-input.md'), 'utf8');
  for (const [codec, figure] of codecsIn(manual)) {
    assert.match(figure, /^\d+\.\d %$/, `${codec}: npm run mutation -- ${codec} --record`);
    assert.ok(Number.parseFloat(figure) >= 80, `${codec}: ${figure}`);
  }
});

test('each codec has a recorded score of at least 80 %', () => {
  const manual = readFileSync(path.join(root, 'docs/bad-input.md'), 'utf8');
  for (const [name, figure] of codecsIn(manual)) {
    assert.match(figure, /^\d+\.\d %$/, `npm run mutation -- ${name} --record`);
    assert.ok(Number.parseFloat(figure) >= 80, `${name}: ${figure}`);
  }
});

test('each score says which files it is of', () => {
  const measured = measuredIn(root);
  assert.deepEqual(Object.keys(measured), Object.keys(CODECS).sort());
  for (const of of Object.values(measured)) assert.match(of, /^[0-9a-f]{16}$/);
});

test('what is called equivalent is still a fault that would be tried, and has its reason', () => {
  for (const row of EQUIVALENT) {
    const source = readFileSync(path.join(root, row.file), 'utf8');
    const lines = source.split('\n');
    const found = mutationsOf(source).some(({ line, from, to }) =>
      isMeant(row, { file: row.file, code: lines[line - 1] ?? '', from, to }),
    );
    assert.ok(found, `${row.file}: ${row.code}: ${row.from} → ${row.to}`);
    assert.ok(row.why.length > 10, row.file);
  }
});
