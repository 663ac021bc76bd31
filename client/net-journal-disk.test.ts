import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { ConnectFailure } from './failure.ts';
import { NetJournal } from './net-journal.ts';

test('nothing is changed that could not be written down', { skip: needsSmallDisk }, (t) => {
  const disk = smallDisk(t);
  const journal = NetJournal.begin(disk.folder, 'tun0');
  disk.fill();
  const undo = ['route', 'del', 'x'.repeat(5000)];
  assert.throws(
    () => journal.add(undo),
    (error: unknown) =>
      error instanceof ConnectFailure &&
      error.severity === 'fatal' &&
      / which says what is to be undone, cannot be written, the disk is full \(ENOSPC\): make room/.test(error.message),
  );
  assert.deepEqual(journal.undos, []);
  disk.makeRoom();
  journal.add(undo);
  assert.deepEqual(journal.undos, [undo]);
});
