import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { Bucket } from '#model/names.ts';
import { ensureStreams } from './buckets.ts';
import { StoreUnavailableError } from './errors.ts';
import { Store } from './store.ts';
import { startNatsServer } from './testing/nats-server.ts';
import { needsSmallDisk, smallDisk } from './testing/small-disk.ts';

/** JetStream reserves 1 GiB for events, of three quarters of what is free. */
const ENOUGH_KIBIBYTES = 2 << 20;

test('a full disk of NATS: changes are refused in a sentence, reading goes on, what was acknowledged stays', {
  skip: needsSmallDisk,
}, async (t) => {
  const disk = smallDisk(t, ENOUGH_KIBIBYTES);
  const server = await startNatsServer('', join(disk.folder, 'js'));
  t.after(() => server.close());
  const nats = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  t.after(() => nats.close());
  await ensureStreams(nats, { replicas: 1 });
  const store = await Store.open(nats, Bucket.config);
  const put = (id: string) => store.commit([{ key: `acme.device.${id}`, value: new Uint8Array(20_000) }]);
  const acknowledged = ['a', 'b', 'c'];
  for (const id of acknowledged) await put(id);
  disk.fill();
  await assert.rejects(put('d'), (error: Error) => {
    assert.ok(error instanceof StoreUnavailableError);
    assert.match(error.message, /^the store did not answer within \d+ ms, as when the disk of nats-server is full$/);
    return true;
  });
  for (const id of acknowledged) assert.equal((await store.get(`acme.device.${id}`))?.value?.length, 20_000);
  disk.makeRoom();
  // It takes writes to that stream again only after a restart (2.15).
  await server.kill();
  await server.start();
  const again = await connect({ servers: server.url });
  t.after(() => again.close());
  const reopened = await Store.open(again, Bucket.config);
  for (const id of acknowledged) assert.equal((await reopened.get(`acme.device.${id}`))?.value?.length, 20_000);
  assert.equal(await reopened.get('acme.device.d'), undefined, 'what was refused did not happen');
  await reopened.commit([{ key: 'acme.device.d', value: new Uint8Array(20_000) }]);
  assert.equal((await reopened.get('acme.device.d'))?.value?.length, 20_000);
});
