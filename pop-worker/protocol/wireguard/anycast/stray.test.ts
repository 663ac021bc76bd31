import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Burst } from '../../burst.ts';
import type { WireGuardOptions, WireGuardSink } from '../options.ts';
import type { Peer } from '../peer.ts';
import { address, type Host, privateKey, Scene } from '../testing/scene.ts';
import { UNANSWERED_A_SECOND } from './budget.ts';

const STRANGER = address(66);

/** Data in a peer's name that opens nowhere. */
const stray = (peer: number, length = 32): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set([4, 0, 0, 0, 0x77, peer & 0xff, (peer >> 8) & 0xff, peer >> 16]);
  return bytes;
};

const SINK: WireGuardSink = { packets: () => {}, confirmed: () => {}, moved: () => {} };

/** A client that is at a worker, 300 ms after its handshake. */
const here = (more: Partial<WireGuardSink> = {}, options: Partial<WireGuardOptions> = {}) => {
  const scene = new Scene();
  const [client, worker] = [scene.add(1), scene.add(2, { sink: { ...SINK, isHere: () => true, ...more }, ...options })];
  scene.join(client, worker);
  scene.send(client, worker);
  scene.run(300_000);
  const before = worker.core.totals.initiationsSent;
  return {
    ...{ scene, client, worker },
    begun: (): number => worker.core.totals.initiationsSent - before,
    comes: (bytes: Uint8Array, from: Int32Array): void => {
      worker.takes([{ bytes, from, to: worker.address }], scene.now);
      scene.settle();
    },
  };
};

test('who is here, and sends from its own endpoint by a session that is not, is asked anew there, once a second', () => {
  const { scene, client, begun, comes } = here();
  comes(stray(1), STRANGER);
  assert.equal(begun(), 0, 'somebody else says so');
  comes(stray(1), client.address);
  assert.equal(begun(), 1);
  for (let i = 0; i < 19; i++) {
    scene.run(50_000);
    comes(stray(1), client.address);
  }
  assert.equal(begun(), 1);
  scene.run(50_000);
  comes(stray(1), client.address);
  assert.equal(begun(), 2);
});

test('what was on its way for a quarter of a second after a handshake is no reason to ask anew', () => {
  const { scene, client, worker, begun, comes } = here();
  client.core.renewPeer([...client.core.peers][0] as Peer, scene.now);
  scene.send(client, worker);
  scene.run(249_000);
  comes(stray(1), client.address);
  assert.equal(begun(), 0);
  scene.run(1000);
  comes(stray(1), client.address);
  assert.equal(begun(), 1);
});

test('nobody is asked anew who is not here, is at another worker, or where no other worker has the key', () => {
  for (const [sink, options] of [
    [{ isHere: () => false }, {}],
    [{ holder: () => 7 }, {}],
    [{}, { isAnycast: false }],
  ] as const) {
    const { client, worker, begun } = here(sink, options);
    worker.takes([{ bytes: stray(1), from: client.address, to: worker.address }], 300_000);
    assert.equal(begun(), 0);
  }
});

test('an answer by another worker’s handshake is no reason to ask anew', () => {
  const { scene, client, worker, begun, comes } = here();
  const other = scene.add(2);
  const onOther = scene.knows(other, client, { endpoint: client.address });
  let answer: Uint8Array | undefined;
  scene.filter = ({ bytes }, host) => {
    if (host === client && bytes[0] === 2) answer = bytes;
    return host !== client;
  };
  scene.route = other;
  other.core.renewPeer(onOther, scene.now);
  scene.settle();
  assert.ok(answer);
  scene.run(300_000);
  comes(answer, client.address);
  assert.equal(begun(), 0);
  assert.ok(worker.core.peerCount > 0);
});

test('who is here, and whose data of no session another worker got and asks about, is asked anew', () => {
  const { scene, client, worker, begun } = here();
  const handed = (from: Int32Array): Burst => {
    const burst = new Burst(4096, 1);
    burst.buffer.set(stray(1));
    burst.commit(32, 0, from, 0, worker.address, 0);
    return burst;
  };
  assert.equal(worker.core.judge(handed(STRANGER), scene.now), 'forged');
  assert.equal(begun(), 0);
  assert.equal(worker.core.judge(handed(client.address), scene.now), 'forged');
  scene.settle();
  assert.equal(begun(), 1);
});

test('a client two and a half seconds away gets to answer: it is asked ever more seldom', () => {
  const { scene, client, worker, begun } = here();
  // Another worker makes one more session with it, and is gone.
  const other = scene.add(2);
  const onOther = scene.knows(other, client, { endpoint: client.address });
  scene.route = other;
  other.core.renewPeer(onOther, scene.now);
  scene.settle();
  scene.run(1e6);
  scene.route = worker;
  const flying: { readonly at: number; readonly datagram: Parameters<Scene['deliver']>[0] }[] = [];
  scene.filter = (datagram) => {
    flying.push({ at: scene.now + 1_250_000, datagram });
    return false;
  };
  const { receivedMessages } = worker.core.totals;
  let ms = 0;
  for (; ms < 30_000 && worker.core.totals.receivedMessages === receivedMessages; ms += 100) {
    if (ms % 1000 === 0) scene.send(client, worker, 200);
    while (flying[0] !== undefined && flying[0].at <= scene.now)
      scene.deliver((flying.shift() as (typeof flying)[number]).datagram);
    scene.settle();
    scene.run(100_000);
  }
  assert.ok(ms < 12_000, `${ms} ms`);
  assert.ok(begun() <= 4, `${begun()}`);
});

test('200 a second are asked anew, which hinders nobody whom another worker vouches for', () => {
  const scene = new Scene();
  const asked: number[] = [];
  const isFlipped = ({ number }: Peer): boolean => number === 999;
  const worker: Host = scene.add(250, {
    handshakesASecond: 1e9,
    sink: {
      ...SINK,
      isHere: (peer) => !isFlipped(peer),
      holder: (peer) => (isFlipped(peer) ? 7 : undefined),
      silentFrom: () => Number.POSITIVE_INFINITY,
      elsewhere: (peer, _, __, ___, ____, _____, question) => {
        if (question !== 0) asked.push(question);
        return isFlipped(peer);
      },
    },
  });
  const clients = Array.from({ length: UNANSWERED_A_SECOND + 10 }, (_, i) => {
    const secret = privateKey(3);
    secret.set([i & 255, i >> 8], 1);
    const client = scene.add(2, { privateKey: secret });
    client.address = address(10 + (i % 200), 1000 + i);
    worker.core.addPeer({ number: i, publicKey: client.core.publicKey });
    scene.knows(client, worker, { endpoint: worker.address });
    scene.send(client, worker);
    return client;
  });
  worker.core.addPeer({ number: 999, publicKey: scene.add(3).core.publicKey });
  scene.filter = (_, host) => host !== worker;
  scene.run(10e6);
  const before = worker.core.totals.initiationsSent;
  const all = clients.map(({ address: from }, i) => ({ bytes: stray(i), from, to: worker.address }));
  worker.takes(all, scene.now);
  scene.settle();
  assert.equal(worker.core.totals.initiationsSent - before, UNANSWERED_A_SECOND);
  worker.takes([{ bytes: stray(999, 300), from: address(77), to: worker.address }], scene.now);
  for (const question of asked) worker.core.answer(7, question, 'authentic', scene.now);
  scene.settle();
  assert.equal(worker.core.totals.initiationsSent - before, UNANSWERED_A_SECOND + 1);
});
