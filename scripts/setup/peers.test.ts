import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './paths.mjs';
import { fingerprint, notHad } from './peers.mjs';

test('a fingerprint changes with every part, and with where one ends and the next begins', () => {
  const parts = [['ab', 'c'], ['a', 'bc'], ['abc'], ['ab', 'c', ''], ['ab', 'd']];
  assert.equal(new Set(parts.map((one) => fingerprint(one))).size, parts.length);
  assert.equal(fingerprint(['ab', 'c']), fingerprint([Buffer.from('ab'), 'c']));
  assert.match(fingerprint([]), /^[0-9a-f]{16}$/);
});

test('a network that is not there is another reason than a refusal', () => {
  const offline = [
    'Get "https://proxy.golang.org/x/@v/list": dial tcp: lookup proxy.golang.org: no such host',
    'warning: spurious network error: [6] (Could not resolve host: index.crates.io)',
    "W: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb.debian.org'",
  ];
  for (const cause of offline) assert.match(notHad('peers', cause).message, /^The network is not reached: the peers: /);
  assert.match(notHad('peers', 'undefined: quic.Conn').message, /^The peers: undefined/);
  assert.match(notHad('peers', 'E: Unable to locate package ngtcp2-client').message, /^The peers: /);
});

/** What one of them says where PATH leads to this folder only. */
const complaint = (folder: string, call: string): string => {
  const script = `import * as peers from './scripts/setup/peers.mjs'; await peers.${call}.catch((e) => console.log(e.name + ': ' + e.message));`;
  const args = ['--input-type=module', '-e', script];
  return spawnSync(process.execPath, args, { cwd: root, env: { PATH: folder }, encoding: 'utf8' }).stdout;
};

test('no Go is one sentence with the mend', () => {
  const said = complaint(path.join(root, 'docs'), 'goPeers()');
  assert.equal(said, 'PeerMissing: Go is missing: install Go 1.26 or newer.\n');
});

test('no Rust, one that is too old and one that says nothing are a sentence each, with the mend', () => {
  const mend = 'install Rust 1.85 or newer, with Cargo.\n';
  const quinn = "rustPeers('quinn')";
  assert.equal(complaint(path.join(root, 'docs'), quinn), `PeerMissing: Rust is missing: ${mend}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-cargo-'));
  try {
    for (const [says, version] of [
      ['cargo 1.84.1 (x 2024-12-24)', '1.84.1'],
      ['error: no default toolchain', 'of-unknown-version'],
    ]) {
      writeFileSync(path.join(folder, 'cargo'), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
      assert.equal(complaint(folder, quinn), `PeerMissing: Rust ${version} is too old: ${mend}`);
    }
    writeFileSync(path.join(folder, 'cargo'), "#!/bin/sh\necho 'cargo 1.94.0'\n", { mode: 0o755 });
    assert.match(complaint(folder, "rustPeers('s2n-quic')"), /Rust 1\.94\.0 is too old: install Rust 1\.95 or newer/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
