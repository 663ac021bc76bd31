import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './paths.mjs';
import { complaint } from './testing/complaint.ts';

const told = (folder: string, call: string): string => complaint(folder, 'rust-peers.mjs', call);

test('no Rust, one that is too old and one that says nothing are a sentence each, with the mend', () => {
  const mend = 'install Rust 1.85 or newer, with Cargo.\n';
  const quinn = "rustPeers('quinn')";
  assert.equal(told(path.join(root, 'docs'), quinn), `PeerMissing: Rust is missing: ${mend}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-cargo-'));
  try {
    for (const [says, version] of [
      ['cargo 1.84.1 (x 2024-12-24)', '1.84.1'],
      ['error: no default toolchain', 'of-unknown-version'],
    ]) {
      writeFileSync(path.join(folder, 'cargo'), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
      assert.equal(told(folder, quinn), `PeerMissing: Rust ${version} is too old: ${mend}`);
    }
    writeFileSync(path.join(folder, 'cargo'), "#!/bin/sh\necho 'cargo 1.94.0'\n", { mode: 0o755 });
    assert.match(told(folder, "rustPeers('s2n-quic')"), /Rust 1\.94\.0 is too old: install Rust 1\.95 or newer/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
