import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '#services/config/testing/client.ts';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { KeptFile } from './kept-file.ts';
import { loadStateFiles } from './state-file.ts';

const load = async (file: string) => (await loadStateFiles(file)).map(({ content }) => content.length);

test('a full disk: the old file stays, it is said once, counted, and heals when there is room', {
  skip: needsSmallDisk,
}, async (t) => {
  const disk = smallDisk(t);
  const file = join(disk.folder, 'revision');
  const told: string[] = [];
  const kept = new KeptFile(file, (error) => told.push((error as Error).message), 20);
  await kept.save('revision 1 is in force', new Uint8Array(9000));
  disk.fill();
  for (let number = 2; number < 6; number++)
    await kept.save(`revision ${number} is in force`, new Uint8Array(10_000 + number));
  assert.deepEqual(await load(file), [9000], 'the old one is whole');
  assert.deepEqual(readdirSync(disk.folder).sort(), ['ballast', 'revision'], 'nothing half written takes room');
  assert.deepEqual(told, [
    `revision 2 is in force but not on disk: ${file} cannot be written, the disk is full (ENOSPC): make room on it; ` +
      'the worker serves on and tries again',
  ]);
  assert.ok(kept.failures >= 4);
  assert.ok((kept.failingSinceMs ?? 0) > 0);
  disk.makeRoom();
  await eventually(async () => (kept.failingSinceMs === undefined ? true : undefined), 'it is written by itself');
  assert.deepEqual(await load(file), [10_005, 9000]);
  disk.fill();
  await kept.save('revision 7 is in force', new Uint8Array(20_000));
  assert.equal(told.length, 2, 'the next time it is said again');
  disk.makeRoom();
  await kept.close();
  assert.deepEqual(await load(file), [20_000, 10_005], 'the last try is at the end');
});

test('a disk that becomes read-only is another reason, which is said too', { skip: needsSmallDisk }, async (t) => {
  const disk = smallDisk(t);
  const told: string[] = [];
  const kept = new KeptFile(join(disk.folder, 'state'), (error) => told.push((error as Error).message), 20);
  disk.fill();
  await kept.save('it', new Uint8Array(1));
  disk.remount('ro');
  await eventually(async () => (told.length === 2 ? true : undefined), 'the other reason');
  assert.match(told[1] ?? '', /its file system is mounted read-only \(EROFS\): mount it writable/);
  disk.remount('rw');
  disk.makeRoom();
  await eventually(async () => (kept.failingSinceMs === undefined ? true : undefined), 'it is written');
  await kept.close();
});

test('what may not be read counts as not there, and is told', async () => {
  const told: string[] = [];
  const kept = new KeptFile('/proc/self', (error) => told.push((error as Error).message));
  assert.deepEqual(await kept.load(), []);
  assert.deepEqual(told, [
    '/proc/self cannot be read, it is a folder (EISDIR): move it away or name another place; the worker starts as if nothing had been kept',
  ]);
});
