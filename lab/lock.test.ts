import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { lockHolder, takeLock } from './lock.ts';

const scratch = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

test('a lock that is held is refused with the mend; one that was given back is not', (t) => {
  const file = path.join(scratch(t), 'cb.lock');
  const release = takeLock(file, 'cb');
  assert.equal(lockHolder(file)?.pid, process.pid);
  assert.throws(() => takeLock(file, 'cb'), /already up \(process \d+\): stop it with `cloudbridge down --name cb`/);
  release();
  takeLock(file, 'cb')();
});

test('a lock whose process is gone, or is another of the same number, holds nobody off', (t) => {
  const file = path.join(scratch(t), 'cb.lock');
  appendFileSync(file, JSON.stringify({ pid: process.pid, startTime: '1' }));
  assert.equal(lockHolder(file), undefined);
  takeLock(file, 'cb')();
});

test('on a full disk nothing is left behind, and the mend is said', { skip: needsSmallDisk }, (t) => {
  const disk = smallDisk(t);
  const file = path.join(disk.folder, 'cb.lock');
  disk.fill();
  assert.throws(
    () => takeLock(file, 'cb'),
    /cannot be written to, the disk is full \(ENOSPC\): make room on it; or set CBR_HOME to a folder of yours/,
  );
  assert.deepEqual(readdirSync(disk.folder), ['ballast']);
  disk.makeRoom();
  takeLock(file, 'cb')();
  assert.deepEqual(readdirSync(disk.folder), []);
});

const TAKER = path.join(import.meta.dirname, 'testing/lock-taker.ts');

/** Processes that are ready to take the lock of a folder. */
const takers = async (t: TestContext, count: number, folder: string, way: string): Promise<ChildProcess[]> => {
  const children = Array.from({ length: count }, () => fork(TAKER, [folder, way]));
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  await Promise.all(children.map((child) => once(child, 'message')));
  return children;
};

/** What each says after they were all told to go. */
const go = (children: readonly ChildProcess[]): Promise<string[]> => {
  const answers = children.map(async (child) => String((await once(child, 'message'))[0]));
  for (const child of children) child.send('go');
  return Promise.all(answers);
};

test('of many processes that find a lock left behind, exactly one gets it, and the others name it', async (t) => {
  const folder = scratch(t);
  writeFileSync(path.join(folder, 'cb.lock'), JSON.stringify({ pid: process.pid, startTime: '1' }));
  const children = await takers(t, 8, folder, 'once');
  const answers = await go(children);
  const winner = lockHolder(path.join(folder, 'cb.lock'))?.pid;
  assert.equal(children[answers.indexOf('taken')]?.pid, winner);
  assert.deepEqual(
    answers.filter((answer) => answer !== 'taken'),
    Array.from({ length: 7 }, () => `Lab \`cb\` is already up (process ${winner})`),
  );
  assert.deepEqual(readdirSync(folder), ['cb.lock']);
});

test('it is never held by two, however often its holders die', async (t) => {
  const folder = scratch(t);
  const answers = await go(await takers(t, 4, folder, 'again and again'));
  assert.deepEqual(answers, ['never two', 'never two', 'never two', 'never two']);
  assert.deepEqual(readdirSync(folder), ['cb.lock']);
});
