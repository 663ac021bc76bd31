import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowedSkip } from './allowed-skips.ts';

const NO_GO = 'Go is missing: install Go 1.26 or newer.';
const NO_NETWORK = 'The network is not reached: the peers on quic-go could not be built.';

test('peers may be missing on a machine, in CI only when the network is', () => {
  for (const name of ['quic/transfer', 'masque/connect-ip', 'masque/connect-udp']) {
    assert.equal(isAllowedSkip('interop', name, NO_GO, ''), true, name);
    assert.equal(isAllowedSkip('interop', name, NO_GO, 'true'), false, name);
    assert.equal(isAllowedSkip('interop', name, NO_NETWORK, 'true'), true, name);
    assert.equal(isAllowedSkip('interop', name, 'it is late', ''), false, name);
  }
  assert.equal(isAllowedSkip('bench', 'quic/stream', 'Rust is missing: install Rust 1.85 or newer.', ''), true);
  assert.equal(isAllowedSkip('bench', 'tunnel/tcp', NO_GO, 'true'), false);
  assert.equal(isAllowedSkip('bench', 'tunnel/tcp', NO_GO, 'false'), true);
});

test('a row for a suite is for its cases and no others', () => {
  assert.equal(isAllowedSkip('interop', 'quick/transfer', NO_GO, ''), false);
  assert.equal(isAllowedSkip('sim', 'quic/transfer', NO_GO, ''), false);
});
