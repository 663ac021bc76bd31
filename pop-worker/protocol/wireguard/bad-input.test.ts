import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '#protocol/ip/text.ts';
import { Drop } from './drop.ts';
import { REJECT_COUNTER_HIGH, REJECT_COUNTER_LOW, REKEY_COUNTER_HIGH } from './limits.ts';
import { address, type Datagram, Host, packet, pair, Scene, sealWith } from './testing/scene.ts';
import { writeWord } from './wire/message.ts';

/** What a host sent of one type, the latest. */
const latest = (scene: Scene, type: number): Datagram => {
  const found = scene.log.findLast(({ bytes }) => bytes[0] === type);
  assert.ok(found);
  return { ...found, bytes: found.bytes.slice() };
};

const drops = (host: Host): Record<string, number> =>
  Object.fromEntries(
    Object.entries(Drop)
      .map(([name, code]) => [name, host.core.dropped[code]!] as const)
      .filter(([name, count]) => name !== 'none' && count > 0),
  );

test('a message comes once: replays of data, old and new, are dropped and move no endpoint', () => {
  const { scene, a, b, toA } = pair();
  scene.send(a, b);
  const held = latest(scene, 4);
  scene.send(a, b);
  b.moved.length = 0;
  for (const replay of [held, latest(scene, 4)]) b.takes([{ ...replay, from: address(66) }], scene.now);
  assert.deepEqual(drops(b), { replayed: 2 });
  assert.equal(b.received.length, 2);
  assert.deepEqual([b.moved, toA.endpoint.words.slice(0, 6)], [[], a.address]);
});

test('an initiation is taken once, and an older one never, whatever the wall clock does', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  const old = latest(scene, 1);
  b.wallOffsetUs = -86_400e6;
  scene.run(1e6);
  scene.deliver(old);
  assert.deepEqual(drops(b), { replayedInitiation: 1 });
  scene.run(130e6);
  scene.send(a, b);
  scene.deliver(old);
  assert.deepEqual(drops(b), { replayedInitiation: 2 });
  scene.send(a, b);
  assert.equal(b.received.length, 3);
});

test('a clock that goes backwards keeps nobody out', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  a.wallOffsetUs = -86_400e6;
  scene.run(130e6);
  scene.send(a, b);
  assert.deepEqual(drops(b), {});
  assert.equal(scene.trace(b).at(-1), '130:2');
});

test('initiations of one peer are answered fifty times a second', () => {
  const { scene, a, b, toB } = pair();
  scene.send(a, b);
  const again = (afterUs: number): void => {
    scene.now += afterUs;
    a.core.removePeer(toB);
    scene.hosts.length = 0;
    scene.hosts.push(a, b);
  };
  again(10_000);
  a.core.addPeer({
    number: 2,
    publicKey: b.core.publicKey,
    endpoint: b.address,
    allowedIps: [parsePrefix('10.0.2.0/24')!],
  });
  a.wallOffsetUs = 1e6;
  scene.send(a, b);
  assert.deepEqual(drops(b), { initiationLimit: 1 });
});

test('a cookie reply moves no endpoint, is taken once, and only as the answer to what was sent last', () => {
  const scene = new Scene();
  const [a, b] = [scene.add(1), scene.add(2, { handshakesASecond: 0 })];
  const [toB] = scene.join(a, b);
  scene.send(a, b);
  assert.deepEqual(scene.trace(b), ['0:3']);
  const cookie = latest(scene, 3);
  assert.deepEqual(toB.endpoint.words.slice(0, 6), b.address);
  a.takes([{ ...cookie, from: address(66) }], scene.now);
  assert.deepEqual([toB.endpoint.words.slice(0, 6), a.moved], [b.address, []]);
  assert.deepEqual(drops(a), { cookie: 1 });
  scene.run(6e6);
  assert.equal(b.received.length, 1, 'with the cookie it got in');
  cookie.bytes[40]! ^= 1;
  scene.deliver(cookie);
  const strange = latest(scene, 3);
  writeWord(strange.bytes, 4, 0xffff_ff00);
  scene.deliver(strange);
  assert.deepEqual(drops(a), { cookie: 1, unknownIndex: 2 });
});

test('keepalives never answer each other', () => {
  const { scene, a, b } = pair({ persistentKeepaliveS: 20 });
  scene.run(110e6);
  assert.deepEqual(scene.trace(b), ['0:2']);
  assert.deepEqual(scene.trace(a), ['0:1', '0:k', '20:k', '40:k', '60:k', '80:k', '100:k']);
});

test('after 2^60 messages there is a new handshake, and 2^64 - 2^13 - 1 is never sent', () => {
  const { scene, a, b, toB } = pair();
  scene.send(a, b);
  scene.run(10e6);
  const current = toB.keypairs.current!;
  [current.sendHigh, current.sendLow] = [REKEY_COUNTER_HIGH - 1, 0xffff_ffff];
  scene.filter = ({ bytes }) => bytes[0] !== 2;
  scene.send(a, b);
  assert.equal(scene.trace(a).at(-1), '10:4', '2^60 - 1 does not');
  scene.send(a, b);
  assert.equal(scene.trace(a).at(-1), '10:1');
  [current.sendHigh, current.sendLow] = [REJECT_COUNTER_HIGH, REJECT_COUNTER_LOW - 1];
  scene.send(a, b);
  assert.equal(b.received.length, 4);
  scene.send(a, b);
  assert.equal(b.received.length, 4);
  assert.equal(toB.staged.size, 1);
});

test('nor is a counter of 2^64 - 2^13 - 1 taken', () => {
  const { scene, a, b, toB } = pair();
  scene.send(a, b);
  const current = toB.keypairs.current!;
  [current.sendHigh, current.sendLow] = [REJECT_COUNTER_HIGH, REJECT_COUNTER_LOW - 1];
  scene.filter = () => false;
  scene.send(a, b);
  const last = latest(scene, 4);
  writeWord(last.bytes, 8, REJECT_COUNTER_LOW);
  scene.deliver(last);
  assert.deepEqual(drops(b), { expired: 1 });
});

test('a source must be the sender’s by the longest prefix, not by one around it', () => {
  const { scene, a, b, toA } = pair();
  const third = b.core.addPeer({ number: 3, publicKey: new Host(3, () => 0).core.publicKey });
  b.core.addAllowedIp(toA, parsePrefix('10.0.0.0/8')!);
  b.core.addAllowedIp(third, parsePrefix('10.0.3.0/24')!);
  scene.send(a, b);
  a.sends([packet(3, 2), packet(4, 2)], scene.now);
  scene.settle();
  assert.deepEqual(b.received, [packet(1, 2), packet(4, 2)]);
  assert.deepEqual(drops(b), { source: 1 });
  b.core.removeAllowedIp(third, parsePrefix('10.0.3.0/24')!);
  a.sends([packet(3, 2)], scene.now);
  scene.settle();
  assert.equal(b.received.length, 3);
});

test('what is inside a message must be a packet: empty, cut off, of another version, with lengths that lie', () => {
  const { scene, a, b, toB } = pair();
  scene.send(a, b);
  const current = toB.keypairs.current!;
  const inside = (content: Uint8Array): void => {
    scene.deliver({ bytes: sealWith(a, current, content), from: a.address, to: b.address });
  };
  const good = packet(1, 2, 64);
  const withLength = (length: number): Uint8Array => {
    const bytes = good.slice();
    bytes.set([length >> 8, length & 0xff], 2);
    return bytes;
  };
  inside(good.subarray(0, 19));
  for (const version of [0, 3, 5, 7, 15]) inside(Uint8Array.of(version << 4, ...good.subarray(1)));
  inside(Uint8Array.of(0x60, ...good.subarray(1, 39)));
  inside(Uint8Array.of(0x60, 0, 0, 0, 0, 25, ...good.subarray(6)));
  for (const length of [0, 19, 65, 0xffff]) inside(withLength(length));
  assert.deepEqual(drops(b), { notIp: 12 });
  inside(withLength(50));
  assert.equal(b.received.at(-1)!.length, 50, 'the rest is padding');
});

test('messages of unknown peers, sessions and types, and random ones, come to nothing', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  const data = latest(scene, 4);
  const deliver = (change: (bytes: Uint8Array) => void): void => {
    const bytes = data.bytes.slice();
    change(bytes);
    scene.deliver({ ...data, bytes });
  };
  deliver((bytes) => writeWord(bytes, 4, 0xffff_ffff));
  deliver((bytes) => writeWord(bytes, 4, 0));
  deliver((bytes) => (bytes[20]! ^= 1));
  deliver((bytes) => (bytes[8]! ^= 1));
  deliver((bytes) => (bytes[0] = 2));
  deliver((bytes) => (bytes[3] = 1));
  assert.deepEqual(drops(b), { unknownIndex: 2, authentication: 2, malformed: 2 });
  const response = latest(scene, 2);
  scene.deliver(response);
  assert.deepEqual(drops(a), { unknownIndex: 1 });
});

test('a stranger’s initiation is read and goes unanswered; one without mac1 is not even read', () => {
  const { scene, b } = pair();
  const stranger = scene.add(5);
  stranger.core.addPeer({ number: 2, publicKey: b.core.publicKey, endpoint: b.address, persistentKeepaliveS: 1 });
  scene.settle();
  assert.deepEqual(drops(b), { unknownPeer: 1 });
  assert.deepEqual(scene.trace(b), []);
  const initiation = latest(scene, 1);
  initiation.bytes[120]! ^= 1;
  scene.deliver(initiation);
  assert.deepEqual(drops(b), { unknownPeer: 1, mac1: 1 });
});

test('packets that wait are the newest 128, and go in order', () => {
  const { scene, a, b } = pair();
  scene.filter = () => false;
  a.sends(
    Array.from({ length: 200 }, (_, i) => packet(1, 2, 100, i)),
    0,
  );
  scene.settle();
  assert.deepEqual(drops(a), { staged: 72 });
  scene.filter = () => true;
  scene.run(6e6);
  assert.deepEqual(
    b.received.map((bytes) => bytes[50]),
    Array.from({ length: 128 }, (_, i) => i + 72),
  );
});

test('packets for nobody, of nobody’s version and beyond a datagram are counted, and the caller hears of the first', () => {
  const scene = new Scene();
  const nowhere: Uint8Array[] = [];
  const a = scene.add(1, {
    sink: {
      ...{ packets: () => {}, confirmed: () => {}, moved: () => {} },
      unreachable: (buffer, at, length) => nowhere.push(buffer.slice(at, at + length)),
    },
  });
  scene.join(a, scene.add(2));
  const toNowhere = a.core.addPeer({ number: 3, publicKey: new Host(3, () => 0).core.publicKey });
  a.core.addAllowedIp(toNowhere, parsePrefix('10.0.3.0/24')!);
  a.sends([packet(1, 9), packet(1, 3), packet(1, 2, 65_500), Uint8Array.of(0x50, 0)], 0);
  scene.settle();
  assert.deepEqual(drops(a), { noPeer: 1, noEndpoint: 1, tooLarge: 1, notIp: 1 });
  assert.deepEqual(nowhere, [packet(1, 9), packet(1, 3)]);
});

test('two devices with one copied key take turns: each new session ends the other’s, and nothing piles up', () => {
  const { scene, a, b, toA } = pair();
  const copy = scene.add(1);
  copy.address = address(9);
  copy.core.addPeer({
    number: 2,
    publicKey: b.core.publicKey,
    endpoint: b.address,
    allowedIps: [parsePrefix('10.0.2.0/24')!],
  });
  copy.wallOffsetUs = 500_000;
  for (let i = 0; i < 20; i++) {
    scene.send(i % 2 === 0 ? a : copy, b);
    scene.run(30e6);
  }
  assert.ok(b.ports.transport.size <= 6);
  assert.ok(toA.endpoint.isKnown && b.received.length >= 10);
});

test('a hundred devices behind one address are all served, also under load', () => {
  const scene = new Scene();
  const worker = scene.add(250, { handshakesASecond: 1 });
  const devices = Array.from({ length: 100 }, (_, i) => {
    const device = scene.add(i + 1);
    device.address = address(251, 1024 + i);
    scene.join(device, worker);
    return device;
  });
  for (const device of devices) device.sends([packet(device.id, 250)], scene.now);
  scene.run(12e6);
  assert.equal(worker.received.length, 100);
  assert.ok((worker.core.dropped[Drop.sourceLimit] ?? 0) > 0, 'they were limited');
  assert.ok((worker.core.dropped[Drop.cookieSent] ?? 0) >= 99);
});
