import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressPort } from '../address.ts';
import { D_REMOTE } from '../burst.ts';
import { Drop } from './drop.ts';
import { P_PEER } from './options.ts';
import { IN_WORDS } from './packets.ts';
import type { Peer } from './peer.ts';
import { type Host, packet, privateKey, Scene } from './testing/scene.ts';
import { INITIATION_BYTES } from './wire/initiation.ts';

/** A worker whose caller routes, and two clients that it knows, who have the same address inside. */
const edge = () => {
  const scene = new Scene();
  const from: number[] = [];
  const expired: Peer[] = [];
  const sink = {
    packets: (_: Uint8Array, words: Int32Array) => void from.push(words[P_PEER]!),
    confirmed: () => {},
    moved: () => {},
    expired: (peer: Peer) => void expired.push(peer),
  };
  const worker = scene.add(9, { isRoutedByCaller: true, sink });
  const clients = [scene.add(1), scene.add(2)] as const;
  for (const client of clients) {
    scene.knows(worker, client, { allowedIps: [] });
    scene.knows(client, worker, { endpoint: worker.address });
  }
  return { scene, worker, clients, from, expired };
};

const toPeer = (worker: Host, now: number, peers: readonly number[]): void => {
  const buffer = packet(9, 1);
  const words = new Int32Array(IN_WORDS * peers.length);
  for (const i of peers.keys()) words.set([0, buffer.length], IN_WORDS * i);
  const packets = { buffer, words, count: peers.length, peers: Int32Array.from(peers) };
  worker.core.handle({ kind: 'packets', packets }, now);
};

test('the caller says whose a packet is, and hears from whom one comes, whatever its addresses', () => {
  const { scene, worker, clients, from } = edge();
  const [one, other] = clients;
  for (const client of clients) client.sends([packet(1, 9)], scene.now);
  scene.settle();
  assert.deepEqual(from, [1, 2], 'both sent from 10.0.1.1');
  toPeer(worker, scene.now, [2, 1, 2]);
  scene.settle();
  assert.deepEqual([one.received.length, other.received.length], [1, 2]);
  toPeer(worker, scene.now, [3]);
  scene.settle();
  assert.equal(worker.core.dropped[Drop.noPeer], 1);
});

test('a message of a session that is not held here is shown to the caller, who may know whose it is', () => {
  const scene = new Scene();
  const client = scene.add(1);
  const worker = scene.add(9);
  scene.join(client, worker);
  scene.send(client, worker);
  const shown: number[] = [];
  let isTaken = true;
  const elsewhere = ({ number }: Peer, _: Uint8Array, __: number, length: number): boolean => {
    shown.push(number, length);
    return isTaken;
  };
  const sink = { packets: () => {}, confirmed: () => {}, moved: () => {}, elsewhere };
  const other = scene.add(9, { sink });
  scene.knows(other, client);
  scene.route = other;
  scene.filter = (_, host) => host !== other;
  scene.send(client, other, 60);
  isTaken = false;
  scene.send(client, other, 60);
  assert.deepEqual(shown, [1, 96, 1, 96]);
  assert.equal(other.core.dropped[Drop.unknownIndex], 1, 'only what nobody took');
});

test('an initiation of whoever is no peer is shown to the caller, whose other thread may have that peer', () => {
  const scene = new Scene();
  const [client, worker] = [scene.add(1), scene.add(8)];
  const shown: { key: Uint8Array; bytes: Uint8Array; port: number }[] = [];
  let isTaken = true;
  const sink = {
    ...{ packets: () => {}, confirmed: () => {}, moved: () => {} },
    stranger: (key: Uint8Array, bytes: Uint8Array, at: number, words: Int32Array, from: number): boolean => {
      const port = addressPort(words, from + D_REMOTE);
      shown.push({ key: Uint8Array.from(key), bytes: bytes.slice(at, at + INITIATION_BYTES), port });
      return isTaken;
    },
  };
  const thread = scene.add(9, { sink, privateKey: privateKey(8) });
  scene.knows(worker, client);
  scene.knows(client, worker, { endpoint: thread.address });
  client.sends([packet(1, 8)], scene.now);
  scene.settle();
  assert.deepEqual([shown.length, shown[0]?.key, shown[0]?.port], [1, client.core.publicKey, 51_820]);
  assert.deepEqual(scene.trace(thread), [], 'it says nothing itself');
  assert.equal(thread.core.dropped[Drop.unknownPeer], 0);
  worker.takes([{ bytes: shown[0]?.bytes ?? new Uint8Array(), from: client.address, to: thread.address }], scene.now);
  scene.settle();
  assert.equal(worker.received.length, 1);
  isTaken = false;
  client.core.resetPeer([...client.core.peers][0] as Peer);
  client.sends([packet(1, 8)], scene.now);
  client.core.setEndpoint([...client.core.peers][0] as Peer, thread.address);
  scene.settle();
  assert.equal(thread.core.dropped[Drop.unknownPeer], 1);
});

test('a peer that had no new keys for 540 s is gone, and the caller is told once', () => {
  const { scene, worker, clients, expired } = edge();
  clients[0].sends([packet(1, 9)], scene.now);
  scene.settle();
  scene.run(539e6);
  assert.deepEqual(expired, []);
  scene.run(2e6);
  assert.deepEqual(expired, [...worker.core.peers].slice(0, 1));
  scene.run(2000e6);
  assert.equal(expired.length, 1);
});
