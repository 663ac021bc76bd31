import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import {
  ensureInstallationKey,
  InstallationKeyError,
  parseInstallationKey,
  readInstallationKey,
} from './installation-key.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'cloudbridge-key-'));
after(() => rm(folder, { recursive: true }));

test('a key is made once, for its owner alone, and read again', async () => {
  const file = path.join(folder, 'secrets', 'installation.key');
  const key = await ensureInstallationKey(file);
  assert.equal(key.length, 32);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await ensureInstallationKey(file), key);
  assert.deepEqual(await readInstallationKey(file), key);
});

test('a key that others may read is refused, and the message says what to do', async () => {
  const file = path.join(folder, 'open.key');
  await ensureInstallationKey(file);
  await chmod(file, 0o640);
  await assert.rejects(readInstallationKey(file), /mode 640\): chmod 600/);
});

test('what is no key is refused without showing it', async () => {
  const file = path.join(folder, 'damaged.key');
  await writeFile(file, 'c2VjcmV0', { mode: 0o600 });
  await assert.rejects(readInstallationKey(file), (error: Error) => !error.message.includes('c2VjcmV0'));
  assert.throws(() => parseInstallationKey(''), InstallationKeyError);
});
