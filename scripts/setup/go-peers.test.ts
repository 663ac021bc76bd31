import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './paths.mjs';
import { complaint } from './testing/complaint.ts';

test('no Go is one sentence with the mend', () => {
  const said = complaint(path.join(root, 'docs'), 'go-peers.mjs', 'goPeers()');
  assert.equal(said, 'PeerMissing: Go is missing: install Go 1.26 or newer.\n');
});
