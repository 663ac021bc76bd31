import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePorts } from '#host/wireguard/ports.ts';
import { address, type Host, privateKey, Scene } from './testing/scene.ts';
import { INITIATION } from './wire/initiation.ts';

const [OLD, NEW, NEXT] = [2, 9, 10].map(privateKey) as [Uint8Array, Uint8Array, Uint8Array];
const OVERLAP = { privateKey: NEW, previous: { privateKey: OLD } };

const publicKeyOf = (secret: Uint8Array): Uint8Array => nodePorts().handshake.identity(secret).publicKey;

/** A worker with both keys, and a client that knows one of them. */
const overlap = (known: Uint8Array, options: object = OVERLAP) => {
  const scene = new Scene();
  const [client, worker] = [scene.add(1), scene.add(2, options)];
  const peer = scene.knows(worker, client);
  const toWorker = client.core.addPeer({ number: 2, publicKey: publicKeyOf(known), endpoint: worker.address });
  client.core.addAllowedIp(toWorker, { address: Uint8Array.of(10, 0, 2, 0), length: 24 });
  return { scene, client, worker, peer, toWorker };
};

/** Both ways. */
const isServed = (scene: Scene, client: Host, worker: Host): boolean => {
  const [toClient, toWorker] = [client.received.length, worker.received.length];
  scene.send(client, worker);
  scene.send(worker, client);
  return client.received.length === toClient + 1 && worker.received.length === toWorker + 1;
};

const initiations = ({ log }: Scene, host: Host) => log.filter((each) => each.host === host && each.bytes[0] === 1);

test('who knows either key is answered by it, and both are served', () => {
  for (const known of [OLD, NEW]) {
    const { scene, client, worker, peer } = overlap(known);
    assert.ok(isServed(scene, client, worker));
    assert.deepEqual(scene.trace(worker), ['0:2', '0:4']);
    assert.equal(worker.core.isByPrevious(peer), known === OLD);
    assert.deepEqual(worker.core.publicKey, publicKeyOf(NEW));
  }
});

test('without the previous key those who come by it are strangers', () => {
  const { scene, client, worker } = overlap(OLD, { privateKey: NEW });
  scene.send(client, worker);
  assert.deepEqual(scene.trace(worker), []);
});

test('an overlap begins and ends live: sessions go on, and only those by the key that goes end', () => {
  const { scene, client, worker, peer } = overlap(OLD, { privateKey: OLD });
  const other = scene.add(3);
  const another = scene.knows(worker, other, { endpoint: other.address });
  assert.ok(isServed(scene, client, worker));
  const session = peer.keypairs.current;
  assert.deepEqual(worker.core.setKeys({ privateKey: NEW }, { privateKey: OLD }), []);
  assert.equal(worker.core.rejoinSome(10), false);
  assert.ok(isServed(scene, client, worker));
  assert.equal(peer.keypairs.current, session);
  assert.ok(worker.core.isByPrevious(peer));

  const byNew = other.core.addPeer({ number: 2, publicKey: publicKeyOf(NEW), endpoint: worker.address });
  other.core.addAllowedIp(byNew, { address: Uint8Array.of(10, 0, 2, 0), length: 24 });
  assert.ok(isServed(scene, other, worker));
  assert.equal(worker.core.isByPrevious(another), false);
  const size = worker.ports.transport.size;
  assert.deepEqual(worker.core.setKeys({ privateKey: NEW }), [peer]);
  assert.equal(worker.ports.transport.size, size - 2, 'its keys are wiped');
  assert.equal(peer.keypairs.current, undefined);
  assert.ok(isServed(scene, other, worker));
  const [toClient, toWorker] = [client.received.length, worker.received.length];
  scene.now += 6e6;
  assert.equal(isServed(scene, client, worker), false);
  scene.run(30e6);
  assert.deepEqual([client.received.length, worker.received.length], [toClient, toWorker]);
});

test('a client whose configuration changes moves from one key to the other, with its preshared key', () => {
  const { scene, client, worker, peer, toWorker } = overlap(OLD);
  const secret = new Uint8Array(32).fill(5);
  worker.core.setPresharedKey(peer, secret);
  client.core.setPresharedKey(toWorker, secret);
  assert.ok(isServed(scene, client, worker));
  client.core.removePeer(toWorker);
  const byNew = { number: 2, publicKey: publicKeyOf(NEW), presharedKey: secret, endpoint: worker.address };
  client.core.addAllowedIp(client.core.addPeer(byNew), { address: Uint8Array.of(10, 0, 2, 0), length: 24 });
  scene.now += 1e6;
  assert.ok(isServed(scene, client, worker));
  assert.equal(worker.core.isByPrevious(peer), false);
  // A secret that changes counts for both: it comes by the one before again.
  const other = new Uint8Array(32).fill(6);
  worker.core.setPresharedKey(peer, other);
  client.core.removePeer(client.core.peer(publicKeyOf(NEW))!);
  const byOld = { number: 2, publicKey: publicKeyOf(OLD), presharedKey: other, endpoint: worker.address };
  client.core.addAllowedIp(client.core.addPeer(byOld), { address: Uint8Array.of(10, 0, 2, 0), length: 24 });
  scene.now += 1e6;
  assert.ok(isServed(scene, client, worker));
  assert.ok(worker.core.isByPrevious(peer));
});

test('what the worker begins goes by the key that the peer last came by', () => {
  for (const known of [OLD, NEW]) {
    const { scene, client, worker, peer } = overlap(known);
    scene.send(client, worker);
    scene.run(60e6);
    const [before] = [initiations(scene, worker).length];
    worker.core.renewPeer(peer, scene.now);
    scene.settle();
    assert.equal(initiations(scene, worker).length, before + 1);
    assert.equal(worker.answered.length, 1);
  }
});

test('of a peer that never came: by the newest key, then by the one before, in turn', () => {
  for (const [known, attempts] of [
    [NEW, 1],
    [OLD, 2],
  ] as const) {
    const { scene, client, worker, peer } = overlap(known);
    worker.core.setEndpoint(peer, client.address);
    scene.send(worker, client);
    scene.run(6e6);
    assert.equal(initiations(scene, worker).length, attempts);
    assert.equal(client.received.length, 1);
    assert.equal(worker.core.isByPrevious(peer), known === OLD);
    // From then on it is known.
    worker.core.renewPeer(peer, scene.now);
    scene.settle();
    assert.equal(worker.answered.length, 2);
  }
});

test('data of a session that another worker has: both keys are tried, as far as bytes of the source allow', () => {
  for (const known of [OLD, NEW]) {
    for (const lengths of [[200, 200], [400]]) {
      const { scene, client, worker } = overlap(known);
      scene.route = worker;
      scene.send(client, worker);
      scene.run(6e6);
      const second = scene.add(2, OVERLAP);
      scene.knows(second, client);
      scene.route = second;
      const from = scene.log.length;
      for (const length of lengths) scene.send(client, second, length);
      assert.equal(second.answered.length, 1);
      const sent = scene.log.slice(from).filter(({ host }) => host === second && host.id === 2);
      const bytes = sent.filter(({ bytes: [type] }) => type === 1).length * 148;
      assert.ok(bytes <= lengths.reduce((sum, length) => sum + 32 + length, 0));
      assert.ok(isServed(scene, client, second));
    }
  }
});

test('what was begun with such a source is forgotten when it is begun anew', () => {
  const { scene, client, worker } = overlap(NEW);
  scene.route = worker;
  scene.send(client, worker);
  scene.run(6e6);
  const second = scene.add(2, OVERLAP);
  scene.knows(second, client);
  scene.route = second;
  scene.filter = (_, host) => host !== second;
  scene.send(client, second, 200);
  const [first] = initiations(scene, second);
  scene.run(6e6);
  scene.send(client, second, 200);
  scene.filter = () => true;
  client.takes([first!], scene.now);
  scene.settle();
  assert.equal(client.core.totals.responsesSent, 1);
  assert.equal(second.answered.length, 0);
});

test('an answer to what another worker began tells which key its sender knows', () => {
  for (const known of [OLD, NEW]) {
    const { scene, client, worker, peer } = overlap(known);
    scene.route = worker;
    scene.send(client, worker);
    scene.run(6e6);
    const second = scene.add(2, OVERLAP);
    scene.knows(second, client);
    scene.route = second;
    for (let i = 0; i < 2; i++) {
      worker.core.renewPeer(peer, scene.now);
      scene.settle();
      scene.run(100_000);
    }
    assert.equal(initiations(scene, second).length, 1, 'the one that it knows');
    assert.equal(second.answered.length, 1);
  }
});

test('under load a cookie is that of the key that was asked by, and shared by the workers that have it', () => {
  for (const known of [OLD, NEW]) {
    const secrets = { [OLD[0]!]: new Uint8Array(32).fill(1), [NEW[0]!]: new Uint8Array(32).fill(2) };
    const with_ = (secret: Uint8Array) => ({ privateKey: secret, cookieSecret: secrets[secret[0]!]! });
    const load = { handshakesASecond: 0 };
    const { scene, client, worker } = overlap(known, { ...with_(NEW), previous: with_(OLD), ...load });
    scene.send(client, worker);
    assert.deepEqual(scene.trace(worker), ['0:3']);
    // A worker that has only this key yet, or already.
    const alone = scene.add(2, { ...with_(known), ...load });
    scene.knows(alone, client);
    scene.route = alone;
    scene.run(6e6);
    assert.equal(alone.core.totals.responsesSent, 1);
    assert.equal(alone.received.length, 1);
  }
});

test('keys that are equal are refused, and nothing has changed then', () => {
  assert.throws(() => overlap(OLD, { privateKey: OLD, previous: { privateKey: OLD } }), /the same/);
  const { scene, client, worker } = overlap(OLD);
  assert.throws(() => worker.core.setKeys({ privateKey: NEXT }, { privateKey: NEXT }), /the same/);
  assert.ok(isServed(scene, client, worker));
});

test('three keys one after the other: what was known of peers by the first is wiped, some at a time', () => {
  const { scene, client, worker, peer } = overlap(OLD);
  for (const id of [20, 21, 22]) scene.knows(worker, scene.add(id));
  assert.ok(isServed(scene, client, worker));
  const before = peer.keys;
  assert.deepEqual(worker.core.setKeys({ privateKey: NEXT }, { privateKey: NEW }), [peer]);
  assert.ok(worker.core.rejoinSome(3));
  assert.equal(worker.core.rejoinSome(3), false);
  assert.notEqual(peer.keys, before);
  for (const { keys } of worker.core.peers)
    assert.ok(![...publicKeyOf(OLD)].every((b, i) => keys.identity.publicKey[i] === b));
});

test('handshakes that wait when their key goes come to nothing', () => {
  const scene = new Scene();
  const worker = scene.add(2, OVERLAP);
  const clients = Array.from({ length: 12 }, (_, i) => {
    const client = scene.add(30 + i);
    client.address = address(30 + i);
    scene.knows(worker, client);
    const toWorker = { number: 2, publicKey: publicKeyOf(OLD), endpoint: worker.address };
    client.core.addAllowedIp(client.core.addPeer(toWorker), { address: Uint8Array.of(10, 0, 2, 0), length: 24 });
    return client;
  });
  const first = clients.flatMap((client) => {
    client.sends([Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, client.id, 1, 10, 0, 2, 1)], 0);
    return client.poll(0);
  });
  assert.ok(first.every(({ bytes }) => bytes.length === INITIATION.mac1 + 32));
  worker.takes(first, 0);
  worker.core.setKeys({ privateKey: NEW });
  worker.core.handle({ kind: 'time' }, 0);
  assert.equal(worker.core.totals.responsesSent, 8);
  assert.equal(worker.core.dropped[2], 4);
});
