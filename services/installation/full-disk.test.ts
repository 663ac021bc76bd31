import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { createInstallation } from './create.ts';

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );

/** Of tmpfs; each small file takes one. */
const PAGE_KIBIBYTES = 4;

test('at whichever file the disk is full it is said, none is there by half, and it goes on when there is room', {
  skip: needsSmallDisk,
}, async (t) => {
  const disk = smallDisk(t, PAGE_KIBIBYTES);
  const folder = join(disk.folder, 'cb');
  const create = () =>
    createInstallation({ folder, natsHosts: ['127.0.0.1'], edgeAddresses: ['192.0.2.1'], workers: ['moscow/w1'] });
  const told: string[] = [];
  // A page more each time.
  for (let pages = 2; pages < 80; pages++) {
    const created = await create().catch((error: Error) => void told.push(error.message));
    for (const file of filesOf(disk.folder)) {
      assert.equal(statSync(file).mode & 0o777, 0o600, file);
      assert.notEqual(statSync(file).size, 0, `${file} is there by half`);
    }
    if (created !== undefined) break;
    disk.resize(pages * PAGE_KIBIBYTES);
  }
  const names = told.map(
    (text) => /cb\/(.*) cannot be written, the disk is full \(ENOSPC\): make room on it/.exec(text)?.[1],
  );
  assert.ok(names.length > 20 && names.length < 78, `${names.length}`);
  assert.deepEqual(
    names.filter((name) => name === undefined),
    [],
    told.join('\n'),
  );
  assert.ok(names.includes('services/installation.key') && names.includes('ca/ca.key'));
  const times = filesOf(folder).map((file) => [file, statSync(file).mtimeMs]);
  await create();
  assert.deepEqual(
    filesOf(folder).map((file) => [file, statSync(file).mtimeMs]),
    times,
    'all of it was complete',
  );
});
