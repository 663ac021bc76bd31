import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { CommandError } from '../failure.ts';
import { readIfThere, writeOwnFile } from './files.ts';

test('a full disk keeps the file that was there, whole, and says so', { skip: needsSmallDisk }, (t) => {
  const disk = smallDisk(t);
  const file = path.join(disk.folder, 'session.json');
  writeOwnFile(file, 'old');
  disk.fill();
  const refused = {
    name: CommandError.name,
    message: `${file} cannot be written, the disk is full (ENOSPC): make room on it.`,
  };
  assert.throws(() => writeOwnFile(file, 'x'.repeat(20_000)), refused);
  disk.makeRoom();
  assert.throws(() => writeOwnFile(file, 'x'.repeat(70_000)), refused, 'also when the disk is full after a part');
  assert.deepEqual(readdirSync(disk.folder), ['session.json']);
  assert.equal(readFileSync(file, 'utf8'), 'old');
  writeOwnFile(file, 'new');
  assert.equal(readIfThere(file), 'new');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.throws(() => readIfThere(disk.folder), /cannot be read, it is a folder \(EISDIR\)/);
});
