import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../setup/paths.mjs';
import { CODECS } from './codecs.ts';
import { around, fingerprint } from './fingerprint.ts';
import { fingerprintOf, measuredIn, noteMeasured, standingOf } from './measured.ts';

test('a fingerprint is of names and bytes, in whatever order, and of what lies around a file', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fingerprint-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(path.join(folder, 'a/testing'), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text);
  write('a/x.ts', 'one');
  write('a/testing/y.json', 'two');
  const both = ['a/x.ts', 'a/testing/y.json'];
  const before = fingerprint(folder, both);
  assert.match(before, /^[0-9a-f]{16}$/);
  assert.equal(fingerprint(folder, both.toReversed()), before);
  assert.notEqual(fingerprint(folder, ['a/x.ts']), before);
  assert.deepEqual(around(folder, ['a/x.ts']).sort(), both.toSorted());
  write('a/x.ts', 'onetwo');
  write('a/testing/y.json', '');
  assert.notEqual(fingerprint(folder, both), before);
});

test('a score is of the files as they were when it was recorded', (t) => {
  const copy = mkdtempSync(path.join(tmpdir(), 'measured-'));
  t.after(() => rmSync(copy, { recursive: true }));
  const files = CODECS['socks5']?.files as readonly [string];
  for (const file of ['scripts/mutate/measured.json', ...files])
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
  writeFileSync(path.join(copy, 'scripts/mutate/measured.json'), '{"tokens":"0123456789abcdef"}');
  writeFileSync(path.join(copy, files[0]), 'const a = 1;');
  const figures = new Map([
    ['tokens', '81.0 %'],
    ['socks5', '100.0 %'],
    ['qpack', '?'],
  ]);
  const standing = () =>
    standingOf(figures, measuredIn(copy), (name) =>
      name === 'socks5' ? fingerprintOf(copy, name) : 'fedcba9876543210',
    );
  assert.deepEqual(standing().stale, ['tokens', 'socks5', 'qpack']);
  noteMeasured(copy, 'socks5', fingerprintOf(copy, 'socks5'));
  assert.deepEqual(standing(), {
    lines: ['tokens   81.0 %  changed since', 'socks5  100.0 %  as it is now', 'qpack         ?  not scored yet'],
    stale: ['tokens', 'qpack'],
  });
  writeFileSync(path.join(copy, files[0]), 'const a = 2;');
  assert.deepEqual(standing().stale, ['tokens', 'socks5', 'qpack']);
});

test('what is noted is of codecs that there are', () => {
  for (const name of Object.keys(measuredIn(root))) assert.ok(CODECS[name], name);
});
