import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { StartError } from './start-error.ts';
import { readTlsFiles } from './tls-files.ts';

const DAY_MS = 86_400_000;
const authority = createAuthority();
const one = authority.issue('edge.test');
const other = authority.issue('other.test');

const files = (t: TestContext) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const put = (name: string, content: string | Uint8Array, mode = 0o600): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };
  const config = {
    certificate: put('edge.pem', one.certificateChain, 0o644),
    key: put('edge.key', one.privateKey as string),
    ticket_keys: put('tickets', new Uint8Array(160).fill(3)),
    reset_key: put('reset', new Uint8Array(32).fill(4)),
  };
  const refused = (change: Partial<typeof config>, now = new Date()): string => {
    try {
      readTlsFiles({ ...config, ...change }, now);
    } catch (error) {
      assert.ok(error instanceof StartError || error instanceof ConfigError, String(error));
      assert.doesNotMatch(error.message, /\n/);
      return error.message;
    }
    return assert.fail('it was taken');
  };
  return { put, config, refused };
};

/** A pair that belongs together but that OpenSSL takes from nobody. */
const weak = (put: (name: string, content: string) => string) => {
  const [certificate, key] = [put('edge1024.pem', ''), put('edge1024.key', '')];
  const args = ['-newkey', 'rsa:1024', '-nodes', '-days', '1', '-subj', '/CN=edge.test', '-keyout', key];
  execFileSync('openssl', ['req', '-x509', ...args, '-out', certificate], { stdio: 'ignore' });
  return { certificate, key };
};

test('certificate and keys are read; workers with the same ticket keys share the key of tokens', (t) => {
  const { config } = files(t);
  const tls = readTlsFiles(config, new Date());
  assert.deepEqual(
    tls.ticketKeys.map(({ length }) => length),
    [80, 80],
  );
  assert.equal(tls.resetKey?.length, 32);
  assert.equal(tls.tokenKey.length, 32);
  assert.deepEqual(readTlsFiles(config, new Date()).tokenKey, tls.tokenKey);
  const alone = { certificate: config.certificate, key: config.key, ticket_keys: undefined, reset_key: undefined };
  const random = readTlsFiles(alone, new Date());
  assert.deepEqual([random.ticketKeys, random.resetKey], [[], undefined]);
  assert.notDeepEqual(random.tokenKey, readTlsFiles(alone, new Date()).tokenKey);
});

test('each thing that is wrong is one sentence with its mend', (t) => {
  const { put, config, refused } = files(t);
  assert.match(
    refused({ certificate: '/nowhere' }),
    /certificate \/nowhere cannot be read, it is not there \(ENOENT\): put it there/,
  );
  assert.match(refused({ certificate: put('x', 'no PEM') }), /is not PEM/);
  assert.match(refused({ key: put('y', 'no PEM') }), /not a PEM private key/);
  assert.match(refused({ key: put('z', other.privateKey as string) }), /is not that of the certificate/);
  assert.match(refused(weak(put)), /edge1024\.pem cannot be used \(.*ee key too small\): have another one issued/);
  for (const name of ['key', 'ticket_keys', 'reset_key'] as const) {
    for (const mode of [0o604, 0o640, 0o620]) {
      chmodSync(config[name], mode);
      assert.match(refused({}), new RegExp(`by others \\(mode ${mode.toString(8)}\\): chmod 600 ${config[name]}$`));
    }
    chmodSync(config[name], 0o400);
  }
  assert.match(refused({ ticket_keys: put('t', new Uint8Array(81)) }), /81 bytes and not 80.*head -c 80/);
  assert.match(refused({ ticket_keys: put('t', '') }), /0 bytes/);
  assert.match(refused({ reset_key: put('r', new Uint8Array(31)) }), /31 bytes and not 32/);
});

test('a wrong clock is told from a bad certificate by both times', (t) => {
  const { refused } = files(t);
  assert.match(refused({}, new Date(Date.now() - 2 * DAY_MS)), /is not valid before .*clock: set the clock or wait/);
  assert.match(refused({}, new Date(Date.now() + 60 * DAY_MS)), /has expired at .*: renew it or set the clock/);
});
