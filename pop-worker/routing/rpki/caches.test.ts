import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { PduType } from '#protocol/rpki/wire/pdu.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';
import { RpkiCaches } from './caches.ts';
import type { RtrCacheConfig } from './setup.ts';
import { CacheServer } from './testing/cache-server.ts';

const LIMIT_MS = 20_000;

const until = async (what: string, condition: () => boolean): Promise<void> => {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    assert.ok(performance.now() < end, `waited in vain: ${what}`);
    await wait(10);
  }
};

const ADDRESS = Uint32Array.of(0xc000_0200, 0, 0, 0);
const STATES = ['not-found', 'valid', 'invalid'];

class Scene {
  readonly slots = allocateSlots();
  readonly failures: string[] = [];
  changes = 0;
  readonly caches = new RpkiCaches(this.slots, {
    changed: () => this.changes++,
    failed: (name, text) => this.failures.push(`${name}: ${text}`),
  });

  constructor(t: TestContext) {
    t.after(() => this.caches.close());
  }

  /** Of 192.0.2.0/24. */
  state(as: number): string | undefined {
    return STATES[this.caches.state(32, ADDRESS, 24, as)];
  }

  get names(): string[] {
    return this.caches.status().map(({ name, state, used }) => `${name} ${state}${used ? ' used' : ''}`);
  }

  count(state: 'current' | 'standby' | 'waiting'): number | undefined {
    return this.slots[slotOf('cloudbridge_rpki_caches_count', { state })];
  }
}

const serverOf = (t: TestContext, ...roas: string[]): CacheServer => {
  const server = new CacheServer(roas);
  t.after(() => server.close());
  return server;
};

const configOf = (name: string, port: number, preference = 1): RtrCacheConfig => ({
  name,
  address: '127.0.0.1',
  port,
  preference,
  tcp: { hopLimit: 64, leastHopLimit: 0 },
  intervals: { refreshS: 3600, retryS: 1, expireS: 7200 },
});

test('without a cache, and until one has told all, nothing is known of any route', async (t) => {
  const scene = new Scene(t);
  assert.equal(scene.state(64_500), 'not-found');
  const server = serverOf(t, '192.0.2.0/24 64500');
  scene.caches.set([configOf('a', server.port)]);
  assert.equal(scene.state(64_500), 'not-found');
  await until('it has told', () => scene.changes === 1);
  assert.deepEqual([scene.state(64_500), scene.state(64_501)], ['valid', 'invalid']);
  const [status] = scene.caches.status();
  assert.deepEqual([status?.records, status?.serial, status?.version, status?.used], [1, 1, 1, true]);
  assert.ok((status?.expiresSeconds ?? 0) > 590);
  assert.equal(scene.slots[slotOf('cloudbridge_rpki_records_count', {})], 1);
  assert.equal(scene.slots[slotOf('cloudbridge_rpki_revalidations_total', {})], 1);
  assert.equal(scene.count('current'), 1);
});

test('what a cache says anew is used at once; what it said is kept while it is away', async (t) => {
  const scene = new Scene(t);
  const server = new CacheServer(['192.0.2.0/24 64500']);
  const { port } = server;
  scene.caches.set([configOf('a', port)]);
  await until('it has told', () => scene.changes === 1);
  server.change(['192.0.2.0/24 64501']);
  await until('it has told others', () => scene.changes === 2);
  assert.deepEqual([scene.state(64_500), scene.state(64_501)], ['invalid', 'valid']);
  assert.deepEqual(server.asked, [PduType.resetQuery, PduType.serialQuery, PduType.resetQuery]);
  server.close();
  await until('it is away', () => scene.count('waiting') === 1);
  assert.deepEqual(scene.names, ['a waiting used']);
  assert.equal(scene.state(64_501), 'valid', 'until it expires');
  assert.match(scene.failures[0] ?? '', /^a: the cache has closed the connection/);
  assert.ok((scene.slots[slotOf('cloudbridge_rpki_failures_total', {})] as number) >= 1);
  const again = new CacheServer(['192.0.2.0/24 64502'], '127.0.0.1', port);
  t.after(() => again.close());
  await until('it is back', () => scene.state(64_502) === 'valid');
  assert.equal(scene.state(64_501), 'invalid');
});

test('caches by preference: the next ones stand by, and are asked while none before them is in step', async (t) => {
  const scene = new Scene(t);
  const first = new CacheServer(['192.0.2.0/24 1']);
  const [second, third] = [serverOf(t, '192.0.2.0/24 2'), serverOf(t, '192.0.2.0/24 3')];
  scene.caches.set([configOf('c', third.port, 9), configOf('a', first.port, 1), configOf('b', second.port, 9)]);
  await until('the first is in step', () => scene.names[0] === 'a current used');
  assert.deepEqual(scene.names.slice(1), ['c standby', 'b standby']);
  assert.deepEqual(
    [1, 2, 3].map((as) => scene.state(as)),
    ['valid', 'invalid', 'invalid'],
  );
  const { port } = first;
  first.close();
  await until('both of the next are', () => scene.names.slice(1).join() === 'c current used,b current used');
  assert.deepEqual(
    [1, 2, 3].map((as) => scene.state(as)),
    ['invalid', 'valid', 'valid'],
    'by what both say together; the first is not in step',
  );
  const again = new CacheServer(['192.0.2.0/24 1'], '127.0.0.1', port);
  t.after(() => again.close());
  await until('the first is back', () => scene.names.join() === 'a current used,c standby,b standby');
  assert.equal(scene.state(2), 'invalid');
});

test('caches that are the same go on when others come and go', async (t) => {
  const scene = new Scene(t);
  const [one, other] = [serverOf(t, '192.0.2.0/24 1'), serverOf(t, '192.0.2.0/24 2')];
  scene.caches.set([configOf('a', one.port)]);
  await until('it has told', () => scene.state(1) === 'valid');
  scene.caches.set([configOf('a', one.port), configOf('b', other.port)]);
  await until('both have', () => scene.state(2) === 'valid');
  assert.equal(scene.state(1), 'valid');
  assert.equal(one.asked.length, 1);
  scene.caches.set([]);
  assert.equal(scene.state(1), 'not-found');
});
