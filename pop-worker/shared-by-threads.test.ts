import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ThreadSetup } from '#dataplane/setup.ts';
import { sharedByThreads } from './shared-by-threads.ts';

const tls = (more: Partial<ThreadSetup['tls']> = {}): ThreadSetup['tls'] => ({
  certificate: '',
  key: '',
  ticketKeys: [],
  resetKey: undefined,
  tokenKey: new Uint8Array(32),
  ...more,
});
const worker = (threads: number, name = 'w1') => ({
  pop: 'moscow',
  worker: name,
  listen: { tcp: true, handshake_threads: 1, threads, addresses: [], port: 443, congestion_control: 'newreno' },
});

test('several threads resume each other’s sessions: they share a ticket key, made where there is none', () => {
  const made = sharedByThreads(worker(2), tls(), 1).tls.ticketKeys;
  assert.deepEqual(
    made.map(({ length }) => length),
    [80],
  );
  assert.notDeepEqual(sharedByThreads(worker(2), tls(), 1).tls.ticketKeys, made);
  const own = [new Uint8Array(80).fill(1)];
  assert.equal(sharedByThreads(worker(2), tls({ ticketKeys: own }), 1).tls.ticketKeys, own);
  assert.deepEqual(sharedByThreads(worker(1), tls(), 1).tls.ticketKeys, []);
});

test('connection IDs are made by what is the same after a restart if the reset key is, and another one at each worker', () => {
  const resetKey = new Uint8Array(32).fill(7);
  const cids = sharedByThreads(worker(1), tls({ resetKey }), 1).cids;
  assert.deepEqual(sharedByThreads(worker(4), tls({ resetKey }), 1).cids, cids);
  assert.notDeepEqual(sharedByThreads(worker(1, 'w2'), tls({ resetKey }), 1).cids.worker, cids.worker);
  assert.notDeepEqual(
    sharedByThreads(worker(1), tls({ resetKey: resetKey.map((x) => x + 1) }), 1).cids.keys,
    cids.keys,
  );
  assert.notDeepEqual(sharedByThreads(worker(1), tls(), 1).cids.keys, sharedByThreads(worker(1), tls(), 1).cids.keys);
});

test('a reset key is that of a worker: the same after a restart, and another one at each (RFC 9000 §21.11)', () => {
  const resetKey = new Uint8Array(32).fill(7);
  const made = (name: string) => sharedByThreads(worker(1, name), tls({ resetKey }), 1).tls.resetKey;
  assert.equal(made('w1')?.length, 32);
  assert.deepEqual(sharedByThreads(worker(4), tls({ resetKey }), 1).tls.resetKey, made('w1'));
  assert.notDeepEqual(made('w1'), made('w2'));
  assert.equal(sharedByThreads(worker(1), tls(), 1).tls.resetKey, undefined);
});

test('one thread has nobody to exchange with', () => {
  assert.equal(sharedByThreads(worker(1), tls(), 1).exchange, undefined);
  const { rings } = sharedByThreads(worker(3), tls(), 1).exchange ?? assert.fail();
  assert.deepEqual(
    rings.map((row) => row.map((ring) => ring !== undefined)),
    [
      [false, true, true],
      [true, false, true],
      [true, true, false],
    ],
  );
});
