import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inUse } from '#protocol/quic/testing/heap.ts';
import { NEVER } from '../contract.ts';
import { MOST_PEERS } from './limits.ts';
import { address, packet, Scene } from './testing/scene.ts';

const PEERS = 256;

test('memory is of the peers that there are, whatever their numbers', () => {
  const scene = new Scene();
  const [a, b] = [scene.add(1), scene.add(2)];
  const before = inUse();
  const step = MOST_PEERS / PEERS;
  // The last is the other host: it has the largest number that there is, on both sides.
  for (let i = 1; i < PEERS; i++) {
    const publicKey = new Uint8Array(32).fill(i);
    const peer = a.core.addPeer({ number: step * i - 1, publicKey, endpoint: address(9) });
    a.core.renewPeer(peer, scene.now);
  }
  scene.knows(a, b, { number: MOST_PEERS - 1, endpoint: b.address });
  scene.knows(b, a, { number: MOST_PEERS - 1 });
  for (let i = 0; i < 3; i++) {
    scene.send(a, b);
    scene.send(b, a);
    // Initiations are repeated, keepalives sent.
    scene.run(15e6);
  }
  assert.deepEqual([a.received, b.received], [Array(3).fill(packet(2, 1)), Array(3).fill(packet(1, 2))]);
  scene.log.length = 0;
  const grown = inUse() - before;
  // A byte for each number would be 16 MiB.
  assert.ok(grown < 8 << 20, `${PEERS} peers, ${grown} bytes`);
});

test('a peer that is removed has no deadline any more', () => {
  const scene = new Scene();
  const [a, b] = [scene.add(1), scene.add(2)];
  const [toB] = scene.join(a, b);
  scene.send(a, b);
  assert.ok(a.core.deadline() < NEVER);
  a.core.removePeer(toB);
  assert.equal(a.core.deadline(), NEVER);
});
