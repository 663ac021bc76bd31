import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { ensureStreams } from './buckets.ts';
import { ConflictError, StoreUnavailableError } from './errors.ts';
import { type Page, Store } from './store.ts';
import { startNatsServer, type TestServer } from './testing/nats-server.ts';

let server: TestServer;
let nats: NatsConnection;
let store: Store;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value ? new TextDecoder().decode(value) : undefined;
const read = async (key: string) => text((await store.get(key))?.value);

before(async () => {
  server = await startNatsServer();
  nats = await connect({ servers: server.url });
  await Promise.all([ensureStreams(nats, { replicas: 1 }), ensureStreams(nats, { replicas: 1 })]);
  store = await Store.open(nats, 'cb_config');
});
after(async () => {
  await nats?.close();
  await server?.close();
});

test('streams that cannot be made are no success', async () => {
  const alone = await startNatsServer();
  const fresh = await connect({ servers: alone.url });
  await assert.rejects(ensureStreams(fresh, { replicas: 3 }), /replicas > 1 not supported/);
  await fresh.close();
  await alone.close();
});

test('a stream that cannot be created at once, as while another copy creates it, is tried again', async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'cloudbridge-streams-'));
  const other = await startNatsServer('', data);
  const fresh = await connect({ servers: other.url });
  t.after(async () => {
    await fresh.close();
    await other.close();
    await rm(data, { recursive: true });
  });
  // In place of its folder there is a file: the server says JSStreamStoreFailed, as to one of two who create it at once.
  const place = join(data, 'jetstream/$G/streams/KV_cb_config');
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, '');
  await ensureStreams(fresh, { replicas: 1 });
  assert.match(await other.readLog(), /Stream create failed for .*KV_cb_config.*\(10077\)/);
  const names = await (await jetstreamManager(fresh)).streams.names().next();
  assert.ok(names.includes('KV_cb_config'));
});

test('a server without JetStream is waited for, and not for ever', async () => {
  const without = await startNatsServer('accounts { A: { users: [{ user: a, password: a }] } }');
  const fresh = await connect({ servers: without.url, user: 'a', pass: 'a' });
  const start = performance.now();
  await assert.rejects(ensureStreams(fresh, { replicas: 1 }, 300), { name: 'JetStreamNotEnabled' });
  assert.ok(performance.now() - start >= 300);
  await fresh.close();
  await without.close();
});

test('a record is written, read, listed and ended', async () => {
  const revision = await store.commit([{ key: 'acme.device.a', value: bytes('one'), ifRevision: 0 }]);
  assert.deepEqual((await store.get('acme.device.a'))?.revision, revision);
  await store.commit([{ key: 'acme.device.b', value: bytes('two') }]);
  await store.commit([{ key: 'acme.network.b', value: bytes('three') }]);
  assert.deepEqual(
    (await store.list('acme.device.*')).map((r) => [r.key, text(r.value)]),
    [
      ['acme.device.a', 'one'],
      ['acme.device.b', 'two'],
    ],
  );
  await store.commit([{ key: 'acme.device.a', value: undefined, ifRevision: revision }]);
  assert.equal(await read('acme.device.a'), undefined);
  assert.deepEqual(
    (await store.list('acme.device.*')).map((r) => r.key),
    ['acme.device.b'],
  );
  assert.deepEqual(await store.list('nobody.device.*'), []);
  assert.equal(await read('never.was.here'), undefined);
});

test('of two who change the same record one is told', async () => {
  const revision = await store.commit([{ key: 'acme.tenant.x', value: bytes('0'), ifRevision: 0 }]);
  const results = await Promise.allSettled(
    [1, 2].map((n) => store.commit([{ key: 'acme.tenant.x', value: bytes(String(n)), ifRevision: revision }])),
  );
  assert.deepEqual(results.map((r) => r.status).sort(), ['fulfilled', 'rejected']);
  const lost = results.find((r) => r.status === 'rejected');
  assert.ok(lost?.reason instanceof ConflictError);
  await assert.rejects(store.commit([{ key: 'acme.tenant.x', value: bytes('9'), ifRevision: 0 }]), ConflictError);
});

test('a commit of many changes is made whole or not at all', async () => {
  const changes = Array.from({ length: 20 }, (_, i) => ({
    key: `many.device.d${i}`,
    value: bytes(String(i)),
    ifRevision: 0,
  }));
  const last = await store.commit(changes);
  const records = await store.list('many.device.*');
  assert.equal(records.length, 20);
  assert.equal(records.find((r) => r.key === 'many.device.d19')?.revision, last);
  for (const wrong of [0, 7, 19]) {
    const update = changes.map((change, i) => ({
      ...change,
      value: bytes('new'),
      ifRevision: i === wrong ? 1 : last - 19 + i,
    }));
    await assert.rejects(store.commit(update), ConflictError);
  }
  assert.deepEqual(
    (await store.list('many.device.*')).map((r) => text(r.value)).sort(),
    changes.map((c) => text(c.value)).sort(),
  );
});

test('pages go through everything, also what has ended', async () => {
  for (let start = 0; start < 1300; start += 650) {
    await store.commit(
      Array.from({ length: 650 }, (_, i) => ({ key: `pages.device.d${start + i}`, value: bytes('x'), ifRevision: 0 })),
    );
  }
  await store.commit(
    Array.from({ length: 600 }, (_, i) => ({ key: `pages.device.d${i}`, value: undefined, ttlSeconds: 60 })),
  );
  const seen: string[] = [];
  let pages = 0;
  for (let from: number | undefined = 0; from !== undefined; pages++) {
    const page: Page = await store.page('pages.device.*', from, 100);
    seen.push(...page.records.map(({ key }) => key));
    from = page.next;
  }
  assert.deepEqual([seen.length, new Set(seen).size, pages], [700, 700, 7]);
  assert.equal((await store.list('pages.device.*')).length, 700);
  assert.ok((await store.last('pages.device.d0')).revision > 0, 'the end of a record has a revision too');
});

test('a commit may ask that another record stayed as it was', async () => {
  const parent = await store.commit([{ key: 'req.network.n', value: bytes('1') }]);
  const child = (revision: number) => [
    { key: 'req.guard.n', value: bytes('g'), requires: { key: 'req.network.n', revision } },
    { key: 'req.device.d', value: bytes('d') },
  ];
  await store.commit(child(parent));
  await store.commit([{ key: 'req.network.n', value: bytes('2') }]);
  await assert.rejects(store.commit(child(parent)), ConflictError);
});

test('two hundred commits at once wait for each other instead of failing', async () => {
  const others = await Promise.all([Store.open(nats, 'cb_config'), Store.open(nats, 'cb_config')]);
  const commits = Array.from({ length: 200 }, (_, i) =>
    (others[i % 2] as Store).commit([
      { key: `busy.device.a${i}`, value: bytes('a') },
      { key: `busy.device.b${i}`, value: bytes('b') },
    ]),
  );
  assert.equal(new Set(await Promise.all(commits)).size, 200);
});

test('what was acknowledged is there after the server was killed', async () => {
  await store.commit([{ key: 'acme.device.kept', value: bytes('yes') }]);
  await server.kill();
  await assert.rejects(
    new Promise<never>((_, reject) => void store.commit([{ key: 'a.device.b', value: bytes('x') }]).catch(reject)),
    StoreUnavailableError,
  );
  await server.start();
  for (let tries = 0; nats.isClosed() || (await read('acme.device.kept').catch(() => undefined)) !== 'yes'; tries++) {
    assert.ok(tries < 100, 'the record came back');
  }
});

test('an empty or oversized commit is misuse', async () => {
  await assert.rejects(store.commit([]), RangeError);
  await assert.rejects(store.commit(new Array(1001).fill({ key: 'a.b.c', value: bytes('') })), RangeError);
});
