import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '#services/config/testing/client.ts';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { KeptFile } from './kept-file.ts';
import { loadStateFiles } from './state-file.ts';

const load = async (file: string) => (await loadStateFiles(file)).candidates.map(({ content }) => content.length);

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

test('a damaged file makes place for the one before, or for nothing: with a word, and counted', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudbridge-kept-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'membership');
  const told: string[] = [];
  const kept = () => new KeptFile(file, (error) => told.push((error as Error).message));
  const first = kept();
  assert.deepEqual([await first.load(), first.fallback, told], [[], undefined, []], 'nothing was ever kept');
  await first.save('one', Uint8Array.of(1));
  await first.save('two', Uint8Array.of(2));
  const good = kept();
  assert.deepEqual([(await good.load()).length, good.fallback, told], [2, undefined, []]);
  await writeFile(file, '');
  const second = kept();
  assert.deepEqual([(await second.load()).map(({ content }) => content[0]), second.fallback], [[1], 'previous']);
  assert.match(told.at(-1) ?? '', /membership is cut off or damaged: the worker starts with the one before/);
  await writeFile(`${file}.previous`, '');
  const third = kept();
  assert.deepEqual([await third.load(), third.fallback], [[], 'nothing']);
  assert.match(told.at(-1) ?? '', /membership and .*membership.previous is cut off.*as if nothing had been kept/);
  await rm(file);
  await first.save('three', Uint8Array.of(3));
  await writeFile(`${file}.previous`, '');
  const fourth = kept();
  assert.deepEqual([(await fourth.load()).length, fourth.fallback], [1, undefined]);
  assert.match(told.at(-1) ?? '', /the newest is good and is taken/);
});
