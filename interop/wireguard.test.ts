import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { CASES } from './wireguard/cases/table.ts';
import type { PeerName } from './wireguard/implementations.ts';

/** Proves a case of `cloudbridge interop wireguard`. */
const proves = async (t: TestContext, name: string, peer: PeerName = 'wireguard-go'): Promise<void> => {
  if (!isRoot) return t.skip('network namespaces need root');
  const [, , proof] = CASES.find(([found]) => found === name) as (typeof CASES)[number];
  try {
    await proof(peer);
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    t.skip(error.message);
  }
};

test('our handshake, then packets of both families both ways', (t) => proves(t, 'we-begin'));

test('a handshake of wireguard-go’s', (t) => proves(t, 'it-begins'));

test('over IPv6, begun by either', (t) => proves(t, 'outer-ipv6'));

test('preshared keys, and another one live', (t) => proves(t, 'preshared-key'));

test('TCP flows both ways, counted alike by both', (t) => proves(t, 'tcp'));

test('packets at the edges of padding, and fragments', (t) => proves(t, 'sizes'));

test('sources and destinations that are not the peer’s', (t) => proves(t, 'allowed-ips'));

test('either moves to another port, we to another address', (t) => proves(t, 'roaming'));

test('persistent keepalives of either', (t) => proves(t, 'keepalive'));

test('what wg shows and changes', (t) => proves(t, 'tools'));

test('a file of wg-quick', (t) => proves(t, 'wg-quick'));

test('two networks, one behind each', (t) => proves(t, 'sites'));

test('a site of two tunnels at two PoPs, by wg-quick', (t) => proves(t, 'site-pops'));

test('Linux: a handshake of the kernel’s, in a guest', (t) => proves(t, 'it-begins', 'linux'));

test('Linux: over IPv6, begun by either', (t) => proves(t, 'outer-ipv6', 'linux'));

test('Linux: our command with --kernel', (t) => proves(t, 'kernel', 'linux'));

test('every case has a name of its own', () => {
  assert.equal(new Set(CASES.map(([name]) => name)).size, CASES.length);
});
