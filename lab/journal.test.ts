import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { Journal } from './journal.ts';
import { isRunning, startTimeOf } from './pids.ts';

const scratch = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

test('a journal gives back what was written, and a line cut off by a crash counts as not written', (t) => {
  const journal = new Journal(path.join(scratch(t), 'deep', 'lab.journal'));
  assert.deepEqual(journal.read(), []);
  journal.append({ kind: 'namespace', name: 'cb-moscow' });
  journal.append({ kind: 'path', path: '/x' });
  appendFileSync(journal.file, '{"kind":"namesp');
  assert.deepEqual(journal.read(), [
    { kind: 'namespace', name: 'cb-moscow' },
    { kind: 'path', path: '/x' },
  ]);
  journal.remove();
  assert.deepEqual(journal.read(), []);
});

test('a process is known by number and start time', () => {
  const startTime = startTimeOf(process.pid)!;
  assert.match(startTime, /^\d+$/);
  assert.equal(isRunning(process.pid, startTime), true);
  assert.equal(isRunning(process.pid, '0'), false);
  assert.equal(startTimeOf(2 ** 30), undefined);
});

test('what cannot be written down on a full disk is refused with the mend', { skip: needsSmallDisk }, (t) => {
  const disk = smallDisk(t);
  disk.fill();
  assert.throws(() => new Journal(path.join(disk.folder, 'lab.journal')).append({ kind: 'path', path: '/x' }), {
    name: 'LabError',
    message: /lab\.journal, which says what is to be undone, cannot be written, the disk is full \(ENOSPC\): make room/,
  });
});
