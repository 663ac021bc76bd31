import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { QuicLbConfig } from './config.ts';
import { Configurations, fillUnroutable } from './configurations.ts';
import { Nonces } from './nonces.ts';
import { numberedWorker, SERVER_ID_BYTES, workerNumberOf } from './server-id.ts';
import { nodeBlockCipher } from './testing/cipher.ts';

const config = (id: number, key = id + 1): QuicLbConfig => ({
  ...{ id, serverIdBytes: 8, nonceBytes: 8, encodesLength: true },
  key: new Uint8Array(16).fill(key),
});
const made = (configurations: Configurations, serverId: Uint8Array): Uint8Array => {
  const { active } = configurations;
  const cid = new Uint8Array(active.cidBytes);
  cid.set(serverId, 1);
  randomFillSync(cid.subarray(1 + serverId.length));
  active.seal(cid, 0, 0);
  return cid;
};

test('§3.1: two configurations at once: the first one makes, both are read, others are not', () => {
  const before = new Configurations([config(0)], nodeBlockCipher);
  const during = new Configurations([config(1), config(0)], nodeBlockCipher);
  const after = new Configurations([config(1)], nodeBlockCipher);
  const out = new Uint8Array(16);
  const server = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const [old, fresh] = [made(before, server), made(during, server)];
  for (const cid of [old, fresh]) {
    assert.ok(during.serverIdOf(cid, 0, cid.length, out));
    assert.deepEqual(out.subarray(0, 8), server);
  }
  assert.equal((fresh[0] as number) >> 5, 1);
  assert.equal(after.serverIdOf(old, 0, old.length, out), false);
  assert.equal(before.serverIdOf(fresh, 0, fresh.length, out), false);
  assert.equal(during.serverIdOf(fresh, 0, 0, out), false);
});

test('configurations that cannot be in force together are refused', () => {
  const of = (...configs: QuicLbConfig[]) => new Configurations(configs, nodeBlockCipher);
  assert.throws(() => of(), /one configuration at least/);
  assert.throws(() => of(config(3), config(3, 9)), /two configurations have the id 3/);
  assert.throws(() => of(config(0), { ...config(1), nonceBytes: 9 }), /of one length, not 17 and 18/);
});

test('§3.2: connection IDs of no configuration say so, and how long they are', () => {
  const cid = new Uint8Array(17);
  fillUnroutable(cid, (bytes) => bytes.fill(0x55));
  assert.equal(cid[0], 0xe0 | 16);
  assert.deepEqual(cid.subarray(1), new Uint8Array(16).fill(0x55));
  const all = new Configurations(
    [0, 1, 2, 3, 4, 5, 6].map((id) => config(id)),
    nodeBlockCipher,
  );
  assert.equal(all.serverIdOf(cid, 0, cid.length, new Uint8Array(16)), false);
});

test('§9.5: nonces never come again, in no epoch', () => {
  const pad = fc.uint8Array({ minLength: 8, maxLength: 8 });
  const epochs = fc.uniqueArray(fc.integer({ min: 1, max: 0xffff_ffff }), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(pad, epochs, (bytes, all) => {
      const seen = new Set<string>();
      const nonce = new Uint8Array(10);
      for (const epoch of all) {
        const nonces = new Nonces(8, epoch, bytes);
        for (let i = 0; i < 300; i++) {
          assert.ok(nonces.next(nonce, 1));
          seen.add(Buffer.from(nonce).toString('hex'));
        }
        assert.equal(nonces.used, 300);
      }
      assert.equal(seen.size, 300 * all.length);
    }),
    { numRuns: 50 },
  );
});

test('a nonce is epoch and counter under its pad, up to the last one', () => {
  const nonces = new Nonces(8, 0x01020304, Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0xf0));
  const nonce = new Uint8Array(8);
  nonces.next(nonce, 0);
  nonces.next(nonce, 0);
  assert.deepEqual([...nonce], [0xfe, 2, 3, 4, 0, 0, 0, 0xf1]);
  assert.equal(nonces.most, 2 ** 32);
  for (const [bytes, epoch, pad] of [
    [7, 1, 7],
    [8, 0, 8],
    [8, 2 ** 32, 8],
    [8, 1.5, 8],
    [8, 1, 9],
  ] as const)
    assert.throws(() => new Nonces(bytes, epoch, new Uint8Array(pad)), RangeError);
});

test('server IDs tell the number of a worker that has one', () => {
  for (const number of [0, 1, 255, 256, 0xffff]) {
    const id = new Uint8Array(SERVER_ID_BYTES);
    id.set(numberedWorker(number));
    id[7] = 63;
    assert.equal(workerNumberOf(id), number);
    for (let i = 0; i < 5; i++) assert.equal(workerNumberOf(id.with(i, 1)), -1);
  }
});
