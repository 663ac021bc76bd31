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

test('BGP without one of its peers, in CI too', () => {
  for (const reason of [
    'FRR come from Debian packages, and this machine has no apt-get.',
    'The Debian packages of FRR could not be fetched: E: Unable to locate package libyang2',
    'The network is not reached: the Debian packages of BIRD could not be fetched: Could not resolve deb.debian.org',
    "Debian's bgpd needs libyang.so.2, which is not here.",
    'The network is not reached: the peer GoBGP could not be built: dial tcp: i/o timeout',
    NO_GO,
  ])
    assert.equal(isAllowedSkip('interop', 'bgp/md5', reason, 'true'), true, reason);
  const broken = 'The peer GoBGP could not be built: undefined: server.Serve';
  assert.equal(isAllowedSkip('interop', 'bgp/md5', broken, 'true'), false);
  assert.equal(isAllowedSkip('interop', 'bgp/md5', 'Waited 40 s in vain.', ''), false);
});

test('a row for a suite is for its cases and no others', () => {
  assert.equal(isAllowedSkip('interop', 'quick/transfer', NO_GO, ''), false);
  assert.equal(isAllowedSkip('sim', 'quic/transfer', NO_GO, ''), false);
});
