import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { filesOf, mountsOf } from './left.ts';

test('what bears the name of a lab is seen, and what is of another is not', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-left-'));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.deepEqual(filesOf(folder, 'a'), []);
  assert.deepEqual(filesOf(path.join(folder, 'none'), 'a'), []);
  for (const name of ['a.lock', 'a.journal', 'ab.lock', 'b-edge']) writeFileSync(path.join(folder, name), '');
  mkdirSync(path.join(folder, 'a-edge'));
  const expected = ['a-edge', 'a.journal', 'a.lock'].map((name) => path.join(folder, name));
  assert.deepEqual(filesOf(folder, 'a').sort(), expected);
});

test('a mount that bears the name of a lab is seen', { skip: needsSmallDisk }, (t) => {
  const { folder } = smallDisk(t);
  const [name = ''] = path.basename(folder).split(/-[^-]*$/);
  assert.ok(mountsOf([path.dirname(folder)], name).includes(folder));
  assert.deepEqual(mountsOf(['/nowhere'], name), []);
  assert.ok(!mountsOf([path.dirname(folder)], 'other').includes(folder));
});
