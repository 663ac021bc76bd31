import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { guestParts } from '#scripts/setup/debian-peers.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { archiveOf } from './archive.ts';

const field = (archive: Buffer, at: number, index: number): number =>
  Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);

// By hand from Documentation/driver-api/early-userspace/buffer-format.rst.
test('an archive is as the kernel reads it: heads, names and contents at multiples of four', () => {
  const archive = archiveOf([{ name: 'bin' }, { name: 'bin/x', content: Buffer.from('hello') }]);
  const [mode, size, name] = [1, 6, 11];
  assert.equal(archive.toString('latin1', 0, 6), '070701');
  assert.equal(field(archive, 0, mode), 0o040755);
  assert.equal(archive.toString('latin1', 110, 116), 'bin\0\0\0');
  const second = 116;
  assert.equal(field(archive, second, mode), 0o100755);
  assert.equal(field(archive, second, size), 5);
  assert.equal(field(archive, second, name), 6);
  assert.equal(archive.toString('latin1', second + 110, second + 124), 'bin/x\0hello\0\0\0');
  const last = second + 124;
  assert.equal(archive.toString('latin1', last + 110, last + 120), 'TRAILER!!!');
  assert.equal(archive.length % 4, 0);
});

const busybox = async (t: TestContext): Promise<string | undefined> => {
  try {
    return (await guestParts()).busybox;
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    t.skip(error.message);
    return undefined;
  }
};

test('busybox unpacks what was archived', async (t) => {
  const program = await busybox(t);
  if (program === undefined) return;
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-archive-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const contents = [0, 1, 2, 3, 4, 5, 1000].map((size) => Buffer.alloc(size, 7));
  const files = contents.map((content, i) => ({ name: `a/file${'x'.repeat(i)}`, content }));
  execFileSync(program, ['cpio', '-i'], { cwd: folder, input: archiveOf([{ name: 'a' }, ...files]), stdio: 'pipe' });
  for (const { name, content } of files) assert.deepEqual(readFileSync(path.join(folder, name)), content);
});
