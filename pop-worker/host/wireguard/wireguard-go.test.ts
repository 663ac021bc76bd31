import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { parsePrefix } from '#protocol/ip/text.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import { ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { addressOf } from '../udp/address.ts';
import { TestEndpoint } from './testing/endpoint.ts';
import { needsWireGuardGo, WireGuardGo } from './testing/wireguard-go.ts';
import { privateKeyOf, rawPublicKey } from './x25519.ts';

const skip = { skip: needsRoot || needsWireGuardGo };
const run = promisify(execFile);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const THEIRS = rawPublicKey(privateKeyOf(key(77)));

/** Ours at 192.0.2.1 and 10.9.0.1 inside, theirs at .2 of both, in namespaces. */
const scene = async (t: TestContext, psk: Uint8Array, handshakesASecond = 1000) => {
  const [ours, theirs] = [testNamespace(t), testNamespace(t)];
  ip('-n', ours.name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', theirs.name);
  for (const [at, device, host] of [
    [ours.name, 'v0', 1],
    [theirs.name, 'v1', 2],
  ] as const) {
    ip('-n', at, 'addr', 'add', `192.0.2.${host}/24`, 'dev', device);
    ip('-n', at, 'link', 'set', device, 'up');
  }
  const go = await WireGuardGo.start(t, theirs.name);
  const addresses = ['10.9.0.1/24', 'fd09::1/64'];
  const endpoint = new TestEndpoint({
    namespace: ours.name,
    addresses,
    privateKey: key(66),
    port: 5001,
    handshakesASecond,
  });
  t.after(() => endpoint.close());
  const peer = endpoint.core.addPeer({
    ...{ number: 0xabcdef, publicKey: THEIRS, presharedKey: psk },
    allowedIps: ['10.9.0.2/32', 'fd09::2/128'].map((text) => parsePrefix(text)!),
  });
  await go.ask([
    'set=1',
    ...[`private_key=${hex(key(77))}`, 'listen_port=5002', `public_key=${hex(endpoint.core.publicKey)}`],
    ...[`preshared_key=${hex(psk)}`, 'allowed_ip=10.9.0.1/32', 'allowed_ip=fd09::1/128'],
  ]);
  for (const address of ['10.9.0.2/24', 'fd09::2/64'])
    ip('-n', theirs.name, 'addr', 'add', address, 'dev', go.name, ...(address.includes(':') ? ['nodad'] : []));
  ip('-n', theirs.name, 'link', 'set', go.name, 'up');
  return { ours, theirs, go, endpoint, peer };
};

const ping = async (namespace: string, to: string, ...more: string[]): Promise<string> => {
  const args = ['netns', 'exec', namespace, 'ping', '-n', '-q', '-c', '3', '-i', '0.2', '-W', '5', ...more, to];
  return /\d+ received/.exec((await run('ip', args)).stdout)?.[0] ?? '';
};

const handshaken = async (go: WireGuardGo): Promise<boolean> =>
  (await go.ask(['get=1'])).some((line) => /^last_handshake_time_sec=[1-9]/.test(line));

test('we begin: pings of every size, both families, under a preshared key', skip, async (t) => {
  const { ours, go, endpoint, peer } = await scene(t, key(88));
  endpoint.core.setEndpoint(peer, addressOf('192.0.2.2', 5002));
  assert.equal(await ping(ours.name, '10.9.0.2'), '3 received');
  assert.ok(await handshaken(go));
  for (const size of ['0', '1', '1390', '4000'])
    assert.equal(await ping(ours.name, '10.9.0.2', '-s', size), '3 received');
  assert.equal(await ping(ours.name, 'fd09::2'), '3 received');
  assert.equal(peer.keypairs.current?.isInitiator, true);
});

test('it begins, and moves to another port', skip, async (t) => {
  const { theirs, go, endpoint, peer } = await scene(t, key(0));
  await go.ask(['set=1', `public_key=${hex(endpoint.core.publicKey)}`, 'update_only=true', 'endpoint=192.0.2.1:5001']);
  assert.equal(await ping(theirs.name, '10.9.0.1'), '3 received');
  assert.equal(peer.keypairs.current?.isInitiator, false);
  await go.ask(['set=1', 'listen_port=5003']);
  assert.equal(await ping(theirs.name, '10.9.0.1'), '3 received');
  assert.equal((peer.endpoint.words[0] as number) >>> 16, 5003);
});

test('it gets a cookie from us under load, and comes back with it', skip, async (t) => {
  const { theirs, go, endpoint } = await scene(t, key(0), 0);
  await go.ask(['set=1', `public_key=${hex(endpoint.core.publicKey)}`, 'update_only=true', 'endpoint=192.0.2.1:5001']);
  // Its first initiation is answered by a cookie alone, the second comes five seconds later.
  assert.equal(await ping(theirs.name, '10.9.0.1', '-W', '9'), '3 received');
  assert.equal(endpoint.core.dropped[3], 1);
});

test(
  'a session of another worker: it is found by its index, and served at once by a handshake of ours',
  skip,
  async (t) => {
    const { theirs, go, endpoint, peer } = await scene(t, key(0));
    await go.ask([
      'set=1',
      `public_key=${hex(endpoint.core.publicKey)}`,
      'update_only=true',
      'endpoint=192.0.2.1:5001',
    ]);
    assert.equal(await ping(theirs.name, '10.9.0.1'), '3 received');
    const options: Parameters<typeof endpoint.core.addPeer>[0] = {
      ...{ number: peer.number, publicKey: THEIRS, allowedIps: endpoint.core.allowedIps(peer) },
    };
    endpoint.core.removePeer(peer);
    // As another worker would have it: no session, and no idea of where the peer is.
    const elsewhere: Peer = endpoint.core.addPeer(options);
    const before = Date.now();
    await ping(theirs.name, '10.9.0.1', '-s', '200', '-c', '2').catch(() => '');
    assert.equal(elsewhere.keypairs.current?.isInitiator, true);
    assert.ok(Date.now() - before < 15_000);
    assert.equal(await ping(theirs.name, '10.9.0.1'), '3 received');
  },
);
