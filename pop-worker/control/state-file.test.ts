import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadStateFiles, saveStateFile } from './state-file.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-state-'));
});
after(() => rm(folder, { recursive: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const load = async (file: string) =>
  (await loadStateFiles(file)).candidates.map(({ content, isPrevious }) => [
    new TextDecoder().decode(content),
    isPrevious,
  ]);

test('the newest and the one before are kept, for nobody else to read', async () => {
  const file = join(folder, 'a/state');
  assert.deepEqual(await load(file), []);
  for (const text of ['one', 'two', 'three']) await saveStateFile(file, bytes(text));
  assert.deepEqual(await load(file), [
    ['three', false],
    ['two', true],
  ]);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o700);
});

test('whatever is damaged makes place for the one before, and does not push it out', async () => {
  const file = join(folder, 'b');
  await saveStateFile(file, bytes('good'));
  await saveStateFile(file, bytes('newer'));
  const whole = await readFile(file);
  for (let length = 0; length < whole.length; length++) {
    await writeFile(file, whole);
    await truncate(file, length);
    assert.deepEqual(await load(file), [['good', true]], `cut to ${length} bytes`);
  }
  for (let i = 0; i < whole.length; i++) {
    const damaged = Buffer.from(whole);
    damaged[i] = (damaged[i] as number) ^ 1;
    await writeFile(file, damaged);
    assert.deepEqual(await load(file), [['good', true]], `bit changed in byte ${i}`);
  }
  await saveStateFile(file, bytes('newest'));
  assert.deepEqual(await load(file), [
    ['newest', false],
    ['good', true],
  ]);
});

test('what a crash left half written is written over, and nothing stays open', async () => {
  const file = join(folder, 'c');
  await writeFile(`${file}.new`, 'half', { mode: 0o644 });
  const open = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      // The one that the listing itself used is gone by now.
      const link = `/proc/self/fd/${fd}`;
      const target = existsSync(link) ? readlinkSync(link) : '';
      return target.startsWith(folder) ? [target] : [];
    });
  for (let i = 0; i < 20; i++) {
    await saveStateFile(file, bytes(`${i}`));
    assert.deepEqual(open(), []);
  }
  assert.deepEqual(await load(file), [
    ['19', false],
    ['18', true],
  ]);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await assert.rejects(stat(`${file}.new`), { code: 'ENOENT' });
});

test('nothing is something too; what is no file is told', async () => {
  const file = join(folder, 'd');
  await saveStateFile(file, new Uint8Array(0));
  assert.deepEqual(await load(file), [['', false]]);
  await assert.rejects(loadStateFiles(folder), { code: 'EISDIR' });
  await assert.rejects(saveStateFile(join(file, 'below'), bytes('x')), /EEXIST|ENOTDIR/);
});
