import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readCertificate, readSecretFile } from './key-files.ts';
import { ConfigError } from './toml-file.ts';

test('what may be read or changed by others is no secret, and is no longer used', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'key');
  writeFileSync(file, 'secret');
  for (const mode of [0o600, 0o400, 0o700]) {
    chmodSync(file, mode);
    assert.equal(readSecretFile(file, 'the key').toString(), 'secret');
  }
  for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o644]) {
    chmodSync(file, mode);
    assert.throws(() => readSecretFile(file, 'the key'), {
      name: ConfigError.name,
      message: `the key ${file} may be read or changed by others (mode ${mode.toString(8)}): chmod 600 ${file}`,
    });
  }
  assert.throws(
    () => readSecretFile(`${file}2`, 'the key'),
    /the key .*key2 cannot be read, it is not there \(ENOENT\)/,
  );
  assert.throws(() => readSecretFile(folder, 'the key'), /cannot be read, it is a folder \(EISDIR\)/);
  assert.throws(() => readCertificate(file, 'the CA file'), /the CA file .*key holds no certificate in PEM/);
  assert.throws(() => readCertificate(`${file}2`, 'the CA file'), /it is not there \(ENOENT\)/);
});
