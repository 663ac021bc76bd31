import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { bootEpochOrTime, nextBootEpoch } from './boot-epoch.ts';

const NOW = Date.UTC(2026, 10, 28);
const SECONDS = (NOW - Date.UTC(2025, 0, 1)) / 1000;

test('each start has a number above all before, whatever the clock says', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-epoch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const directory = path.join(folder, 'state');
  assert.equal(nextBootEpoch(directory, NOW), SECONDS, 'the time, and the folder is made');
  assert.equal(nextBootEpoch(directory, NOW), SECONDS + 1, 'twice in a second');
  assert.equal(nextBootEpoch(directory, 0), SECONDS + 2, 'a clock that was set back');
  assert.equal(nextBootEpoch(directory, NOW + 10_000), SECONDS + 10);
  assert.equal(readFileSync(path.join(directory, 'boot-epoch'), 'utf8'), `${SECONDS + 10}\n`);
});

test('a file that says nothing is like none', (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'cloudbridge-epoch-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const text of ['', 'x', '-5', '1.5', '4294967295', '1e99']) {
    writeFileSync(path.join(directory, 'boot-epoch'), text);
    assert.equal(nextBootEpoch(directory, NOW), SECONDS, text);
  }
});

test('a state directory that cannot be written is said in a sentence', () => {
  assert.throws(
    () => nextBootEpoch('/dev/null/state', NOW),
    /boot-epoch cannot be written, .*: change state_directory/,
  );
});

test('where it need not be kept the time will do, and it is said', () => {
  const said: string[] = [];
  assert.equal(
    bootEpochOrTime('/dev/null/state', NOW, (reason) => said.push(reason)),
    SECONDS,
  );
  assert.match(said.join(), /boot-epoch cannot be written/);
});
