import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../contract.ts';
import { address, packet, pair } from './testing/scene.ts';

test('the first packet begins a handshake, waits for it, and goes through whole', () => {
  const { scene, a, b, toA } = pair();
  scene.send(a, b, 100, 1400, 21);
  assert.deepEqual(scene.trace(a), ['0:1', '0:4', '0:4', '0:4']);
  assert.deepEqual(scene.trace(b), ['0:2']);
  assert.deepEqual(b.received, [packet(1, 2, 100), packet(1, 2, 1400), packet(1, 2, 21)]);
  assert.deepEqual(b.confirmed, [toA]);
  scene.send(b, a, 60);
  assert.deepEqual(a.received, [packet(2, 1, 60)]);
  assert.ok([...a.core.dropped.subarray(1), ...b.core.dropped.subarray(1)].every((count) => count === 0));
});

test('contents are padded to 16 bytes, but not beyond the MTU', () => {
  const { scene, a, b } = pair();
  scene.send(a, b, 21, 1408, 1415, 1420);
  const lengths = scene.log.filter(({ bytes }) => bytes[0] === 4).map(({ bytes }) => bytes.length - 32);
  assert.deepEqual(lengths, [32, 1408, 1420, 1420]);
});

test('without anything to send, the initiator shows its keys by a keepalive', () => {
  const { scene, a, b } = pair({ persistentKeepaliveS: 25 });
  scene.run(0);
  assert.deepEqual(scene.trace(a), ['0:1', '0:k']);
  assert.equal(b.confirmed.length, 1);
});

test('a data packet is answered by a keepalive after ten seconds, and that by nothing', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  scene.run(100e6);
  assert.deepEqual(scene.trace(a), ['0:1', '0:4']);
  assert.deepEqual(scene.trace(b), ['0:2', '10:k']);
});

test('a persistent keepalive is sent when nothing else was for its interval, and not while there is traffic', () => {
  const { scene, a, b } = pair({ persistentKeepaliveS: 25 });
  scene.run(0);
  for (let s = 0; s < 60; s += 5) {
    scene.send(a, b);
    scene.send(b, a);
    scene.run(5e6);
  }
  assert.deepEqual(
    scene.trace(a).filter((each) => each.endsWith('k')),
    ['0:k'],
  );
  scene.run(40e6);
  // The last data came at 55 s; it is answered at 65 s, and 25 s after that the interval is over.
  assert.deepEqual(
    scene.trace(a).filter((each) => each.endsWith('k')),
    ['0:k', '65:k', '90:k'],
  );
});

test('the initiator begins anew after 120 s, the responder does not', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  for (let s = 1; s <= 130; s++) {
    scene.run(1e6);
    scene.send(b, a);
    scene.send(a, b);
  }
  const handshakes = [...scene.trace(a), ...scene.trace(b)].filter((each) => /:[12]$/.test(each));
  assert.deepEqual(handshakes, ['0:1', '120:1', '0:2', '120:2']);
  assert.equal(b.received.length, 131);
  assert.equal(a.received.length, 130);
});

test('an initiator that receives with keys of 165 s begins anew at once, and only once', () => {
  const { scene, a, b, toB } = pair();
  scene.send(a, b);
  scene.run(164e6);
  scene.send(b, a);
  assert.deepEqual(scene.trace(a), ['0:1', '0:4']);
  scene.run(1e6);
  scene.filter = ({ bytes }) => bytes[0] !== 2;
  scene.send(b, a);
  assert.equal(scene.trace(a).at(-1), '165:1');
  scene.run(4e6);
  toB.lastHandshakeSentAt = 0;
  scene.send(b, a);
  assert.equal(scene.trace(a).at(-1), '165:1');
});

test('a session ends at 180 s for both, and all keys are wiped at 540 s', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  const [held] = scene.log.filter(({ bytes }) => bytes[0] === 4);
  assert.ok(held);
  scene.filter = () => false;
  scene.run(180e6);
  scene.send(b, a);
  assert.equal(scene.trace(b).at(-1), '180:1', 'it knows where the other is by its data, and begins itself');
  scene.deliver(held);
  assert.equal(b.core.dropped[11], 1);
  assert.notEqual(b.ports.transport.size, 0);
  scene.run(361e6);
  assert.deepEqual([a.ports.transport.size, b.ports.transport.size], [0, 0]);
});

test('a packet that comes when no handshake may be begun gets one after five seconds, without another packet', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  scene.run(178e6);
  // What would show the responder that the other side has the new keys is lost.
  scene.filter = ({ bytes }) => bytes[0] !== 4;
  scene.send(a, b);
  assert.equal(scene.trace(b).at(-1), '178:2');
  scene.run(3e6);
  scene.send(b, a, 60);
  assert.equal(scene.trace(b).at(-1), '178:2', 'it has answered three seconds ago');
  scene.filter = () => true;
  scene.run(6e6);
  assert.ok(scene.trace(b).includes('186:1'), scene.trace(b).join(' '));
  assert.deepEqual(a.received.at(-1), packet(2, 1, 60));
});

test('an initiation is repeated every five seconds and a bit, given up after 90 s, and begun by the next packet', () => {
  const { scene, a, b } = pair();
  scene.filter = () => false;
  scene.send(a, b);
  scene.run(200e6);
  const times = scene.log.map(({ at }) => at);
  assert.equal(times.length, 20);
  for (const [i, at] of times.slice(1).entries()) {
    const gap = at - times[i]!;
    assert.ok(gap >= 5e6 && gap <= 5.333e6, `${gap}`);
  }
  assert.ok(new Set(times.map((at) => at % 1e6)).size > 10, 'jitter');
  assert.equal(a.core.dropped[18], 1, 'the packet that waited');
  scene.send(a, b);
  assert.equal(scene.trace(a).at(-1), '200:1');
});

test('silence after data begins a handshake after 15 s and a bit', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  scene.run(20e6);
  scene.filter = () => false;
  scene.send(a, b);
  const before = scene.log.length;
  scene.run(15.4e6);
  const [first] = scene.log.slice(before).filter(({ host }) => host === a);
  assert.ok(first && first.bytes[0] === 1 && first.at >= 35e6 && first.at <= 35.333e6);
});

test('both may begin at once: packets pass both ways', () => {
  const { scene, a, b, toA } = pair();
  b.core.setEndpoint(toA, a.address);
  a.sends([packet(1, 2)], 0);
  b.sends([packet(2, 1)], 0);
  const crossing = [...a.poll(0), ...b.poll(0)];
  for (const datagram of crossing) scene.deliver(datagram);
  scene.settle();
  assert.deepEqual([a.received.length, b.received.length], [1, 1]);
  scene.send(a, b);
  scene.send(b, a);
  assert.deepEqual([a.received.length, b.received.length], [2, 2]);
});

test('an endpoint follows data, either side', () => {
  const { scene, a, b, toA } = pair();
  scene.send(a, b);
  a.address = address(9, 4711);
  scene.send(a, b);
  assert.deepEqual(b.moved, [toA, toA]);
  scene.send(b, a);
  assert.equal(a.received.length, 1);
});

test('another preshared key counts from the next handshake on', () => {
  const { scene, a, b, toB, toA } = pair();
  scene.send(a, b);
  a.core.setPresharedKey(toB, new Uint8Array(32).fill(5));
  scene.send(a, b);
  assert.equal(b.received.length, 2, 'this session goes on');
  scene.run(200e6);
  scene.send(a, b);
  scene.run(4e6);
  assert.equal(b.received.length, 2);
  assert.equal(a.core.dropped[5], 1);
  b.core.setPresharedKey(toA, new Uint8Array(32).fill(5));
  scene.run(10e6);
  assert.equal(b.received.length, 3, 'what waited came with the repetition');
});

test('a peer that is removed is forgotten with its keys, and may be added again', () => {
  const { scene, a, b, toB, toA } = pair();
  scene.send(a, b);
  b.core.removePeer(toA);
  scene.send(a, b);
  assert.equal(b.received.length, 1);
  assert.equal(b.ports.transport.size, 0);
  a.core.removePeer(toB);
  assert.deepEqual([a.ports.transport.size, a.core.deadline()], [0, NEVER]);
  const anew = b.core.addPeer({ number: toA.number, publicKey: a.core.publicKey });
  assert.deepEqual(b.core.allowedIps(anew), [], 'nothing of the old one');
  b.core.removePeer(anew);
  scene.join(a, b);
  scene.run(5e6);
  scene.send(a, b);
  assert.equal(b.received.length, 2);
});

test('who has just answered an initiation begins none itself for five seconds', () => {
  const { scene, a, b, toA } = pair();
  b.core.setEndpoint(toA, a.address);
  scene.filter = ({ bytes }) => bytes[0] !== 2;
  scene.send(a, b);
  scene.send(b, a);
  assert.deepEqual(scene.trace(b), ['0:2']);
  scene.filter = () => false;
  scene.run(5e6);
  scene.send(b, a);
  assert.equal(scene.trace(b).at(-1), '5:1');
});

test('data that came before an initiation in one burst is opened before that ends its session', () => {
  const { scene, a, b, toB, toA } = pair();
  scene.filter = ({ bytes }) => bytes[0] !== 4;
  scene.send(a, b);
  const data = scene.log.find(({ bytes }) => bytes[0] === 4)!;
  scene.run(1e6);
  toB.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
  toB.keypairs.current!.sendHigh = 2 ** 29;
  scene.filter = () => false;
  scene.send(a, b);
  const initiation = scene.log.findLast(({ bytes }) => bytes[0] === 1)!;
  assert.equal(initiation.at, 1e6);
  b.takes([data, initiation], scene.now);
  assert.equal(b.received.length, 1);
  assert.ok(toA.keypairs.next && toA.keypairs.current);
});

test('our own handshake ends with the peer’s that came first', () => {
  const { scene, a, b, toA } = pair();
  b.core.setEndpoint(toA, a.address);
  scene.filter = (_, host) => host === a || scene.log.at(-1)?.bytes[0] === 2;
  scene.send(b, a);
  assert.notEqual(toA.pending, undefined);
  scene.send(a, b);
  assert.equal(b.received.length, 1);
  assert.equal(toA.pending, undefined);
});
