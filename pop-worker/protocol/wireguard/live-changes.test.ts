import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '#protocol/ip/text.ts';
import { pair, privateKey } from './testing/scene.ts';

test('our key changes live: the session ends, and both go on once the other side knows it', () => {
  const { scene, a, b, toB, toA } = pair();
  scene.send(a, b);
  const removed = a.core.setPrivateKey(privateKey(9));
  assert.deepEqual(removed, []);
  assert.equal(toB.keypairs.current, undefined);
  scene.now += 6e6;
  scene.send(a, b);
  assert.equal(b.received.length, 1, 'the other side knows it not');
  b.core.removePeer(toA);
  b.core.addPeer({ number: 1, publicKey: a.core.publicKey, allowedIps: [parsePrefix('10.0.1.0/24')!] });
  scene.run(6e6);
  assert.equal(b.received.length, 2);
  assert.throws(() => a.core.setPrivateKey(new Uint8Array(31)), /32 bytes/);
});

test('a peer that has our new key is removed: nobody is his own peer', () => {
  const { a, toB, b } = pair();
  assert.deepEqual(a.core.setPrivateKey(privateKey(2)), [toB]);
  assert.deepEqual(a.core.publicKey, b.core.publicKey);
  assert.deepEqual([...a.core.peers], []);
});

test('a peer that is reset begins anew, and at once', () => {
  const { scene, a, b, toB } = pair({ persistentKeepaliveS: 25 });
  scene.settle();
  assert.equal(a.ports.transport.size, 2);
  a.core.resetPeer(toB);
  assert.equal(a.ports.transport.size, 0);
  assert.equal(toB.timers.deadline, Number.POSITIVE_INFINITY);
  scene.log.length = 0;
  scene.now += 1e6;
  a.core.wakePeer(toB);
  scene.settle();
  assert.deepEqual(scene.trace(a), ['1:1', '1:k']);
  scene.send(b, a);
  assert.equal(a.received.length, 1);
});

test('padding follows the MTU of the moment', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  const bytes = (mtu: number): number => {
    a.core.setMtu(mtu);
    scene.log.length = 0;
    scene.send(a, b, 1402);
    return scene.log[0]!.bytes.length - 32;
  };
  assert.deepEqual([bytes(1402), bytes(1405), bytes(1420)], [1402, 1405, 1408]);
});
