import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '#host/random/random.ts';
import { numberedWorker } from '#protocol/quic-lb/server-id.ts';
import { type CidsSetup, NOBODY, ROUTABLE_CID_BYTES, RoutableCids } from './cids.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const KEY = hex('8f95f09245765f80256934e50c66207f');
const setup: CidsSetup = { keys: [{ id: 0, key: KEY }], worker: hex('ed793a51d49b8f'), epoch: 1 };
const cidsOf = (thread: number, more: Partial<CidsSetup> = {}): RoutableCids =>
  new RoutableCids({ ...setup, ...more }, thread, systemRandom);
const made = (cids: RoutableCids): Uint8Array => {
  const cid = new Uint8Array(ROUTABLE_CID_BYTES);
  cids.fill(cid);
  return cid;
};

test('draft-ietf-quic-load-balancers-21 §B.2: the example of a single pass', () => {
  // Rotation bits 2; the server ID's last byte is ours to call a thread.
  const cid = hex('504dd2d05a7b0de9b2b9907afb5ecf8cc3');
  assert.equal(cidsOf(0, { keys: [{ id: 2, key: KEY }] }).threadOf(cid, 0, cid.length), 0x5f);
});

test('a worker’s threads tell from a connection ID whose it is', () => {
  const threads = [0, 1, 63].map((thread) => ({ thread, cids: cidsOf(thread) }));
  for (const { thread, cids } of threads) {
    const packet = new Uint8Array(3 + ROUTABLE_CID_BYTES);
    cids.fill(packet.subarray(3));
    for (const other of threads) assert.equal(other.cids.threadOf(packet, 3, ROUTABLE_CID_BYTES), thread);
  }
});

test('connection IDs of others are nobody’s', () => {
  const own = cidsOf(0);
  const nobodys = (cid: Uint8Array, why: string) => assert.equal(own.threadOf(cid, 0, cid.length), NOBODY, why);
  nobodys(made(cidsOf(0, { worker: hex('00000000000000') })), 'another worker');
  nobodys(made(cidsOf(0, { keys: [{ id: 0, key: new Uint8Array(16) }] })), 'another key');
  nobodys(made(own).subarray(0, 16), 'shorter');
  nobodys(made(own).with(0, 0x50), 'another configuration');
});

test('workers with numbers tell each other’s connection IDs, and their threads', () => {
  const [a, b] = [7, 40_000].map((number) => cidsOf(5, { worker: numberedWorker(number) })) as [
    RoutableCids,
    RoutableCids,
  ];
  assert.ok(a.read(made(b), 0, ROUTABLE_CID_BYTES));
  assert.deepEqual([a.isOwn, a.workerNumber, a.thread], [false, 40_000, 5]);
  assert.ok(a.read(made(a), 0, ROUTABLE_CID_BYTES));
  assert.deepEqual([a.isOwn, a.workerNumber, a.thread], [true, 7, 5]);
  assert.ok(a.read(made(cidsOf(1)), 0, ROUTABLE_CID_BYTES), 'a worker without a number');
  assert.equal(a.workerNumber, -1);
});

test('after a restart none comes that was there before', () => {
  const seen = new Set<string>();
  for (const epoch of [1, 2]) {
    const cids = cidsOf(0, { epoch });
    for (let i = 0; i < 1000; i++) seen.add(Buffer.from(made(cids)).toString('hex'));
  }
  assert.equal(seen.size, 2000);
});

test('a rotation makes new ones by the new key, and reads those of the old one as long as it is told', () => {
  const cids = cidsOf(3);
  const old = made(cids);
  const fresh = { id: 1, key: new Uint8Array(16).fill(9) };
  assert.equal(cids.rotate([...setup.keys, fresh]), false, 'it is only read');
  assert.deepEqual(
    [0, 1, 2].map((id) => cids.useOf(id)),
    ['makes', 'reads', 'none'],
  );
  assert.equal((made(cids)[0] as number) >> 5, 0);
  assert.equal(cids.rotate([fresh, ...setup.keys]), true);
  const young = made(cids);
  assert.equal((young[0] as number) >> 5, 1);
  for (const cid of [old, young]) assert.equal(cids.threadOf(cid, 0, cid.length), 3);
  assert.equal(cids.rotate([fresh]), false);
  assert.deepEqual(
    [0, 1].map((id) => cids.useOf(id)),
    ['none', 'makes'],
  );
  assert.equal(cids.threadOf(old, 0, old.length), NOBODY);
  assert.throws(() => cids.rotate([fresh, { ...fresh }]), /two configurations have the id 1/);
  assert.equal(cids.threadOf(young, 0, young.length), 3, 'a wrong rotation changes nothing');
});
