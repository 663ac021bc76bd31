import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { ROUTABLE_CID_BYTES, RoutableCids } from './cids.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const random = (bytes: Uint8Array): void => void randomFillSync(bytes);
const setup = { key: hex('8f95f09245765f80256934e50c66207f'), worker: hex('ed793a51d49b8f') };

test('draft-ietf-quic-load-balancers-21 §B.2: the example of a single pass', () => {
  // Ours are of configuration 0, that one is of 2.
  const cid = new Uint8Array(ROUTABLE_CID_BYTES);
  new RoutableCids(setup, 0x5f).fill(cid, (nonce) => nonce.set(hex('ee080dbf48c0d1e5')));
  assert.equal(Buffer.from(cid).toString('hex'), '104dd2d05a7b0de9b2b9907afb5ecf8cc3');
});

test('a worker’s threads tell from a connection ID whose it is', () => {
  const threads = [0, 1, 63].map((thread) => ({ thread, cids: new RoutableCids(setup, thread) }));
  for (const { thread, cids } of threads) {
    const packet = new Uint8Array(3 + ROUTABLE_CID_BYTES);
    cids.fill(packet.subarray(3), random);
    for (const other of threads) assert.equal(other.cids.threadOf(packet, 3, ROUTABLE_CID_BYTES), thread);
  }
});

test('connection IDs of others are nobody’s', () => {
  const own = new RoutableCids(setup, 0);
  const cid = new Uint8Array(ROUTABLE_CID_BYTES);
  new RoutableCids({ ...setup, worker: hex('00000000000000') }, 0).fill(cid, random);
  assert.equal(own.threadOf(cid, 0, cid.length), -1, 'another worker');
  new RoutableCids({ ...setup, key: new Uint8Array(16) }, 0).fill(cid, random);
  assert.equal(own.threadOf(cid, 0, cid.length), -1, 'another key');
  own.fill(cid, random);
  assert.equal(own.threadOf(cid, 0, 16), -1, 'shorter');
  cid[0] = 0x50;
  assert.equal(own.threadOf(cid, 0, cid.length), -1, 'another configuration');
});
