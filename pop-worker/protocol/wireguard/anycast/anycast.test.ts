import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Burst } from '../../burst.ts';
import { Drop } from '../drop.ts';
import type { Peer } from '../peer.ts';
import { address, type Datagram, type Host, Scene } from '../testing/scene.ts';
import { UNANSWERED_A_SECOND } from './budget.ts';

/** A client, and two workers with one key and one address, the first of which gets its packets. */
const edge = () => {
  const scene = new Scene();
  const [client, first] = [scene.add(1), scene.add(2)];
  scene.route = first;
  const [toEdge, onFirst] = scene.join(client, first);
  scene.send(client, first);
  const second = scene.add(2);
  const onSecond = scene.knows(second, client);
  return { scene, client, first, second, toEdge, onFirst, onSecond };
};

test('a client whose packets reach another worker is served by it with its first packet of 148 bytes', () => {
  const { scene, client, first, second, onSecond } = edge();
  scene.run(5e6);
  scene.route = second;
  scene.send(client, second, 200);
  assert.deepEqual(scene.trace(second), ['5:1', '5:k'], 'its own initiation, and a keepalive at once');
  assert.deepEqual(scene.trace(client).slice(-2), ['5:4', '5:2']);
  assert.deepEqual(onSecond.endpoint.words.slice(0, 6), client.address);
  assert.deepEqual(second.confirmed, [], 'presence waits for data');
  scene.send(client, second);
  assert.deepEqual(second.confirmed, [onSecond]);
  assert.equal(second.received.length, 1);
  scene.send(second, client);
  assert.equal(client.received.length, 1);
  assert.equal(first.received.length, 1);
});

test('back and forth: each flip is served at once, once its worker’s clock knows of the other’s timestamps', () => {
  const { scene, client, first, second } = edge();
  first.wallOffsetUs = -3e6;
  for (let i = 1; i <= 6; i++) {
    scene.run(6e6);
    const [from, to] = i % 2 === 0 ? [second, first] : [first, second];
    to.core.observeTimestamp(from.core.timestampUs);
    scene.route = to;
    scene.send(client, to, 200);
    scene.send(client, to, 200);
    assert.equal(to.received.length, Math.floor((i + 3) / 2) - (to === second ? 1 : 0), `flip ${i}`);
  }
});

test('a client that sends little is served once as much came from it as an initiation has', () => {
  const { scene, client, second } = edge();
  scene.run(5e6);
  scene.route = second;
  for (let i = 0; i < 2; i++) scene.send(client, second, 20);
  assert.deepEqual(scene.trace(second), [], '128 bytes');
  scene.send(client, second, 20);
  assert.deepEqual(scene.trace(second), ['5:1', '5:k'], '192 bytes');
});

/** Data that opens nowhere, from some address. */
const forged = (scene: Scene, to: Host, peer: number, from: Int32Array, length = 148): void => {
  const bytes = new Uint8Array(length);
  bytes.set([4, 0, 0, 0, 0x77, peer & 0xff, (peer >> 8) & 0xff, peer >> 16]);
  to.takes([{ bytes, from, to: to.address }], scene.now);
  scene.settle();
};

test('spoofed sources share their peer’s one initiation a second; it moves nothing and hinders nobody', () => {
  const { scene, client, first, onFirst } = edge();
  scene.run(3e6);
  const before = scene.log.length;
  for (let i = 0; i < 50; i++) forged(scene, first, 1, address(100 + i));
  assert.equal(scene.log.length - before, 1);
  assert.deepEqual(onFirst.endpoint.words.slice(0, 6), client.address);
  scene.send(first, client);
  scene.send(client, first);
  assert.deepEqual([client.received.length, first.received.length], [1, 2]);
  // The worker still begins with the true address when it has to.
  scene.run(200e6);
  forged(scene, first, 1, address(99));
  scene.send(first, client);
  assert.equal(client.received.length, 2);
  scene.run(20e6);
  assert.equal(scene.log.filter(({ to }) => to.join() === address(99).join()).length, 1, 'nothing is repeated there');
});

test('whoever is here, or was heard within two seconds, is begun with nowhere else, whatever anybody sends in its name', () => {
  const { scene, client, first } = edge();
  const toStranger = (): number => scene.log.filter(({ to }) => to.join() === address(66).join()).length;
  for (let i = 0; i < 100; i++) {
    scene.send(client, first);
    forged(scene, first, 1, address(66), 1000);
    scene.run(1.9e6);
  }
  assert.equal(toStranger(), 0);
  scene.run(0.2e6);
  forged(scene, first, 1, address(66), 1000);
  assert.equal(toStranger(), 1, 'it may be anywhere');
  let isHere = true;
  const sink = { packets: () => {}, confirmed: () => {}, moved: () => {}, isHere: () => isHere };
  const second = scene.add(3, { sink });
  scene.knows(second, client);
  forged(scene, second, 1, address(67), 1000);
  isHere = false;
  forged(scene, second, 1, address(68), 1000);
  const to = scene.log.filter(({ host }) => host === second).map((sent) => sent.to.join());
  assert.deepEqual(to, [address(68).join()]);
});

test('where nobody else has the key, data of no session is answered by nothing', () => {
  const scene = new Scene();
  const [client, alone] = [scene.add(1), scene.add(2, { isAnycast: false })];
  scene.knows(alone, client);
  for (let i = 0; i < 10; i++) forged(scene, alone, 1, address(66), 1000);
  const response = new Uint8Array(92);
  response.set([2, 0, 0, 0]);
  alone.takes([{ bytes: response, from: address(66), to: alone.address }], scene.now);
  scene.settle();
  assert.deepEqual(scene.trace(alone), []);
  assert.equal(alone.core.dropped[Drop.unknownIndex], 10);
});

test('what another worker got and handed over is begun with there, not here', () => {
  const { scene, second } = edge();
  const bytes = new Uint8Array(1000);
  bytes.set([4, 0, 0, 0, 0x77, 1, 0, 0]);
  const burst = new Burst(2000, 1);
  burst.buffer.set(bytes);
  burst.commit(bytes.length, 0, address(66), 0, second.address, 0);
  second.core.handle({ kind: 'datagrams', burst, isHanded: true }, scene.now);
  scene.settle();
  assert.deepEqual(scene.trace(second), []);
  second.core.handle({ kind: 'datagrams', burst }, scene.now);
  scene.settle();
  assert.deepEqual(scene.trace(second), ['0:1']);
});

test('the answer to what a worker began is taken under load without a cookie, at the rate of its source', () => {
  const scene = new Scene();
  const client = scene.add(1);
  const first = scene.add(2);
  scene.route = first;
  scene.join(client, first);
  scene.send(client, first);
  const second = scene.add(2, { handshakesASecond: 1 });
  scene.knows(second, client);
  scene.run(5e6);
  // It is under load for a while.
  const junk = scene.add(9);
  junk.core.addPeer({ number: 2, publicKey: second.core.publicKey, endpoint: address(2) });
  scene.route = second;
  for (let i = 0; i < 3; i++) {
    junk.core.renewPeer([...junk.core.peers][0] as Peer, scene.now);
    scene.settle();
  }
  scene.send(client, second, 200);
  assert.deepEqual(second.confirmed.length + second.answered.length, 1);
});

test('147 bytes are too few, also when they come from many sources; the 148th of one source is enough', () => {
  const { scene, second } = edge();
  for (let i = 0; i < 20; i++) forged(scene, second, 1, address(100 + (i % 2)), 147);
  assert.deepEqual(scene.trace(second), []);
  forged(scene, second, 1, address(101), 32);
  assert.deepEqual(scene.trace(second), ['0:1']);
});

test('what came once is good for one initiation', () => {
  const { scene, second } = edge();
  const begun = (): number => scene.log.filter(({ to }) => to.join() === address(77).join()).length;
  forged(scene, second, 1, address(77), 148);
  scene.now += 6e6;
  forged(scene, second, 1, address(77), 147);
  assert.equal(begun(), 1);
  forged(scene, second, 1, address(77), 32);
  assert.equal(begun(), 2);
});

test('a worker begins with at most 200 such sources a second', () => {
  const scene = new Scene();
  const worker = scene.add(2);
  const ids = Array.from({ length: 2 * UNANSWERED_A_SECOND }, (_, i) => i);
  for (const number of ids) {
    const secret = new Uint8Array(32).fill(number & 0xff);
    secret.set([64, number >> 8], 30);
    worker.core.addPeer({ number, publicKey: worker.ports.handshake.identity(secret).publicKey });
  }
  for (const number of ids) forged(scene, worker, number, address(50, number + 1));
  assert.equal(scene.log.length, UNANSWERED_A_SECOND);
  assert.equal(worker.core.dropped[Drop.unknownIndex], ids.length);
  assert.equal(worker.core.deadline(), Number.POSITIVE_INFINITY, 'and none of it has a timer');
});

test('a replayed initiation is answered by a worker that has not had it, and moves nothing', () => {
  const { scene, client, second, onSecond } = edge();
  const initiation = scene.log.find(({ bytes }) => bytes[0] === 1)!;
  scene.run(5e6);
  second.takes([{ ...initiation, from: address(66) }], scene.now);
  scene.settle();
  assert.deepEqual(scene.trace(second), ['5:2']);
  assert.deepEqual([second.confirmed, second.moved, onSecond.endpoint.isKnown], [[], [], false]);
  second.takes([{ ...initiation, from: address(66) }], scene.now);
  assert.equal(second.core.dropped[Drop.replayedInitiation], 1);
  scene.route = second;
  scene.send(client, second, 200);
  scene.send(client, second, 200);
  assert.equal(second.received.length, 1);
});

test('an initiation that is lost costs a client that goes on sending a second, not its five', () => {
  const { scene, client, second, onSecond } = edge();
  scene.run(5e6);
  scene.route = second;
  let isLost = true;
  scene.filter = ({ bytes }, host) => {
    const isInitiation = bytes[0] === 1 && host === second;
    if (!isInitiation || !isLost) return true;
    isLost = false;
    return false;
  };
  for (let ms = 0; ms < 1100; ms += 20) {
    scene.send(client, second, 200);
    scene.run(20_000);
  }
  assert.deepEqual(
    scene.trace(second).filter((each) => each.endsWith(':1')),
    ['5:1', '6:1'],
  );
  assert.deepEqual(second.confirmed, [onSecond]);
  assert.deepEqual(onSecond.endpoint.words.slice(0, 6), client.address);
});

test('a client whose answers take two and a half seconds is served, too: gaps grow beyond that', () => {
  const { scene, client, second } = edge();
  scene.run(5e6);
  scene.route = second;
  const late: { readonly at: number; readonly datagram: Datagram }[] = [];
  scene.filter = (datagram, host) => {
    if (host !== client || datagram.bytes[0] !== 2) return true;
    late.push({ at: scene.now + 2.5e6, datagram });
    return false;
  };
  for (let ms = 0; ms < 7000; ms += 20) {
    scene.send(client, second, 200);
    scene.run(20_000);
    for (const { at, datagram } of late) if (at <= scene.now && at > scene.now - 20_000) scene.deliver(datagram);
    scene.settle();
  }
  assert.equal(second.core.totals.sessions, 1);
  assert.ok(second.received.length > 10);
});

test('an answer that somebody has held back begins no session and moves nothing: who answers has five seconds', () => {
  const { scene, client, first, onFirst } = edge();
  scene.run(3e6);
  let held: Datagram | undefined;
  scene.filter = (datagram) => {
    if (datagram.bytes[0] !== 2) return true;
    held = datagram;
    return false;
  };
  forged(scene, first, 1, client.address);
  assert.ok(held, 'the client has answered, and nobody got it');
  scene.filter = () => true;
  for (let i = 0; i < 20; i++) {
    scene.run(10e6);
    scene.send(client, first);
  }
  const sessions = first.core.totals.sessions;
  assert.equal(sessions, 2, 'its own since');
  // Enough of them are the occasion to begin anew, which is no reason to take the next.
  for (let i = 0; i < 4; i++) first.takes([{ ...held, from: address(66) }], scene.now);
  scene.settle();
  assert.equal(first.core.totals.sessions, sessions);
  assert.deepEqual(onFirst.endpoint.words.slice(0, 6), client.address);
  const { length } = client.received;
  scene.send(first, client);
  assert.equal(client.received.length, length + 1);
});

test('cookies of one worker are taken by another that shares their secret, and by no other', () => {
  const scene = new Scene();
  const secret = new Uint8Array(32).fill(3);
  const options = { handshakesASecond: 0, cookieSecret: secret };
  const [client, first] = [scene.add(1), scene.add(2, options)];
  scene.join(client, first);
  const second = scene.add(2, options);
  const stranger = scene.add(2, { handshakesASecond: 0 });
  for (const worker of [second, stranger]) scene.knows(worker, client);
  scene.route = first;
  scene.send(client, first);
  assert.deepEqual(scene.trace(first), ['0:3']);
  scene.route = stranger;
  scene.run(6e6);
  assert.deepEqual(scene.trace(stranger), ['5:3']);
  scene.route = first;
  scene.run(6e6);
  scene.route = second;
  scene.run(130e6);
  assert.equal(second.received.length + first.received.length, 1);
});

test('a secret of cookies may be wiped by whoever gave it', () => {
  const scene = new Scene();
  const given = [0, 1].map(() => new Uint8Array(32).fill(3));
  const [client, first, second] = [
    scene.add(1),
    ...given.map((cookieSecret) => scene.add(2, { handshakesASecond: 0, cookieSecret })),
  ] as [Host, Host, Host];
  given[0]?.fill(0);
  scene.join(client, first);
  scene.knows(second, client);
  scene.route = first;
  scene.send(client, first);
  assert.deepEqual(scene.trace(first), ['0:3']);
  scene.route = second;
  scene.run(6e6);
  assert.deepEqual(scene.trace(second), ['5:2'], 'the cookie of the first is one of the second');
});

test('a worker that leaves asks its client anew, whose answers bring it to where routes lead, silent as it is', () => {
  const { scene, client, first, second, onFirst, onSecond } = edge();
  scene.run(10e6);
  scene.route = second;
  const elsewhere = scene.log.length;
  for (let i = 0; i < 2; i++) {
    first.core.renewPeer(onFirst, scene.now);
    scene.run(100_000);
  }
  assert.deepEqual(
    scene.trace(client).slice(-3),
    ['10:2', '10:2', '10:2'],
    'two to the first worker, one to the second',
  );
  assert.deepEqual(
    scene.log.slice(elsewhere).flatMap(({ host, bytes }) => (host === second ? [bytes.length] : [])),
    [148, 32],
  );
  assert.deepEqual([second.answered, first.answered], [[onSecond], []]);
  assert.deepEqual(onSecond.endpoint.words.slice(0, 6), client.address);
  scene.send(second, client);
  assert.equal(client.received.length, 1);
  assert.equal(second.core.dropped[Drop.unknownIndex], 2);
});

test('one answer to what another worker began is too little, and a peer that is gone by then gets nothing', () => {
  const { scene, first, second, onFirst, onSecond } = edge();
  scene.run(10e6);
  scene.route = second;
  first.core.renewPeer(onFirst, scene.now);
  scene.run(1e6);
  assert.deepEqual(scene.trace(second), []);
  first.core.renewPeer(onFirst, scene.now);
  scene.settle();
  assert.notEqual(second.core.deadline(), Number.POSITIVE_INFINITY);
  second.core.removePeer(onSecond);
  scene.run(1e6);
  assert.deepEqual(scene.trace(second), []);
  assert.equal(second.core.deadline(), Number.POSITIVE_INFINITY);
});
