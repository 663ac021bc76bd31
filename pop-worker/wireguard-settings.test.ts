import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '#settings/toml-file.ts';
import { StartError } from './start-error.ts';
import { readWireGuard, WireGuardSection } from './wireguard-settings.ts';

const KEY = Buffer.alloc(32, 9);

const keyFile = (t: TestContext, content: string, mode = 0o600): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-wireguard-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'wireguard.key');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
};

const refused = (file: string, previous?: string): string => {
  try {
    const more = previous === undefined ? {} : { previous_private_key_file: previous };
    readWireGuard(WireGuardSection.parse({ private_key_file: file, ...more }));
  } catch (error) {
    assert.ok(error instanceof StartError || error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('it was taken');
};

test('a key as `wg genkey` writes it, with a line’s end or without', (t) => {
  for (const end of ['', '\n']) {
    const file = keyFile(t, `${KEY.toString('base64')}${end}`);
    const setup = readWireGuard(WireGuardSection.parse({ private_key_file: file }));
    assert.deepEqual(setup.privateKey, Uint8Array.from(KEY));
    assert.deepEqual([setup.port, setup.mtu, setup.mostPeers, setup.handshakesASecond], [51_820, 1420, 20_000, 1000]);
  }
});

test('what is no key of the fleet is refused in one sentence, which does not have it', (t) => {
  assert.match(refused(keyFile(t, KEY.toString('base64'), 0o640)), /wireguard\.key .*(read|chmod)/);
  assert.match(refused('/nonexistent/wireguard.key'), /cannot be read/);
  const none = [
    KEY.toString('hex'),
    KEY.toString('base64').slice(0, -4),
    `${KEY.toString('base64')}\nmore`,
    '',
    KEY.toString('base64url'),
    'not base64!',
  ];
  for (const text of [...none, Buffer.alloc(33, 9).toString('base64')]) {
    const message = refused(keyFile(t, text));
    assert.match(message, /is not 32 bytes in base64: `wg genkey` makes one/);
    if (text !== '') assert.ok(!message.includes(text));
  }
});

test('the key before is read as the newest is, and is another one', (t) => {
  const [old, text] = [Buffer.alloc(32, 8), KEY.toString('base64')];
  const newest = keyFile(t, text);
  const previous = keyFile(t, old.toString('base64'));
  const setup = readWireGuard(
    WireGuardSection.parse({ private_key_file: newest, previous_private_key_file: previous }),
  );
  assert.deepEqual(
    [setup.privateKey, setup.previousPrivateKey],
    [KEY, old].map((key) => Uint8Array.from(key)),
  );
  assert.match(refused(newest, '/nonexistent/old.key'), /^the previous private key .*old\.key cannot be read/);
  assert.match(refused(newest, keyFile(t, 'x')), /^the previous private key .* is not 32 bytes in base64/);
  assert.match(refused(newest, keyFile(t, text, 0o644)), /^the previous private key .*(read|chmod)/);
  // Bits that count for nothing are others.
  const same = Uint8Array.from(KEY);
  same[0]! ^= 7;
  for (const each of [newest, keyFile(t, text), keyFile(t, Buffer.from(same).toString('base64'))])
    assert.match(refused(newest, each), /^the private key of WireGuard .* and the previous one .* are the same: put/);
});

test('a previous key without a newest one is no section', () => {
  const { error } = WireGuardSection.safeParse({ previous_private_key_file: 'old.key' });
  assert.deepEqual(
    error?.issues.map(({ path: at }) => at),
    [['private_key_file']],
  );
});
