import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FLEET_MANIFEST } from '#model/names.ts';
import { assembleRevision } from '#model/revision.ts';
import type { RoutingConfig, WorkerConfig } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { UnreadableRecordError } from '#services/store/errors.ts';
import { manifestIn } from './manifest.ts';
import { Publisher } from './publisher.ts';
import { generateRevisionKey, readRevisionKey } from './revision-key.ts';
import { eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';
import { readEvents } from './testing/read-events.ts';

const GARBAGE = Uint8Array.of(0x0a, 0xff, 0x01);
let installation: TestInstallation;
let copy: Copy;
let send: Copy['send'];
let publisher: Publisher;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  ({ send } = copy);
  for (const tenant of ['acme', 'globex']) {
    await send('POST', '/v1/tenants', { id: tenant });
    await send('POST', `/v1/tenants/${tenant}/networks`, { id: 'n', ipv4Pool: '10.64.0.0/24' });
  }
  await send('POST', '/v1/tenants/acme/devices', { id: 'laptop', network: 'n' });
  await send('POST', '/v1/pops', { id: 'moscow' });
  await send('POST', '/v1/pops/moscow/workers', { id: 'm1' });
  await send('POST', '/v1/prefixes', { id: 'service', prefix: '192.0.2.0/24' });
  const router = { id: 'transit', address: '198.51.100.1', remoteAsn: 64_500 };
  await send('POST', '/v1/pops/moscow/bgp-neighbors', router);
  await send('POST', '/v1/route-policies', { id: 'policy', rules: [{ end: 'accept' }] });
  await send('POST', '/v1/pops/moscow/uplinks', { id: 'eth0', device: 'eth0' });
  publisher = new Publisher(copy.nats, copy.app.stores, {
    signingKey: await readRevisionKey(JSON.stringify(await generateRevisionKey())),
    tokenIssuer: 'https://edge.test',
    readJwks: async () => '{"keys":[]}',
    debounceMs: 20,
    report: (error) => installation.reports.push(error),
  });
  await until(async () => (await newest())?.tenants.length === 2, 'the first revision');
});
after(async () => {
  await publisher?.close();
  await installation?.close();
});

const until = (condition: () => Promise<boolean>, what: string): Promise<unknown> =>
  eventually(async () => ((await condition()) ? true : undefined), what);

const damage = (key: string): Promise<number> => copy.app.stores.config.commit([{ key, value: GARBAGE }]);

/** The newest revision, read as a worker reads it. */
const newest = async (): Promise<
  (Pick<WorkerConfig, 'dns' | 'tenants' | 'routing'> & { number: bigint }) | undefined
> => {
  const { desired, chunks } = copy.app.stores;
  const manifest = manifestIn(desired, await desired.last(FLEET_MANIFEST));
  if (manifest === undefined) return undefined;
  const { dns, tenants, routing } = await assembleRevision(
    manifest,
    async (digest) => (await chunks.get(digest))?.value,
  );
  return { number: manifest.number, ...(dns && { dns }), tenants, routing };
};

const reportsOf = (key: string): UnreadableRecordError[] =>
  installation.reports.filter(
    (error): error is UnreadableRecordError => error instanceof UnreadableRecordError && error.message.includes(key),
  );

const LISTS = [
  { key: '_system.tenant.bad', list: '/v1/tenants', field: 'tenants', left: ['acme', 'globex'] },
  { key: 'globex.network.bad', list: '/v1/tenants/globex/networks', field: 'networks', left: ['n'] },
  { key: 'acme.device.bad', list: '/v1/tenants/acme/devices', field: 'devices', left: ['laptop'] },
  { key: '_system.pop.bad', list: '/v1/pops', field: 'pops', left: ['moscow'] },
  { key: '_system.worker.moscow.bad', list: '/v1/pops/moscow/workers', field: 'workers', left: ['m1'] },
  { key: '_system.prefix.bad', list: '/v1/prefixes', field: 'prefixes', left: ['service'] },
  { key: '_system.neighbor.moscow.bad', list: '/v1/pops/moscow/bgp-neighbors', field: 'neighbors', left: ['transit'] },
  { key: '_system.route-policy.bad', list: '/v1/route-policies', field: 'policies', left: ['policy'] },
  { key: '_system.uplink.moscow.bad', list: '/v1/pops/moscow/uplinks', field: 'uplinks', left: ['eth0'] },
];
for (const { key, list, field, left } of LISTS) {
  test(`an unreadable ${key} is left out of its list, named once in the log, and told to who asks for it`, async () => {
    await damage(key);
    for (let i = 0; i < 3; i++) {
      const { status, json } = await send('GET', list);
      assert.equal(status, 200, JSON.stringify(json));
      assert.deepEqual(json[field].map(({ id }: { id: string }) => id).sort(), left);
    }
    const one = await send('GET', `${list}/bad`);
    assert.deepEqual([one.status, one.json.reason], [500, 'RECORD_UNREADABLE']);
    assert.match(one.json.detail, new RegExp(`the record ${key} of cb_config cannot be read`));
    assert.equal(reportsOf(key).length, 1, 'once, however often it is read');
    await damage(key);
    await send('GET', list);
    assert.equal(reportsOf(key).length, 2, 'and again when it has changed');
  });
}

test('a revision record that cannot be read holds up no other', async () => {
  await damage('_system.revision.77');
  assert.equal((await send('GET', '/v1/revisions')).status, 200);
});

test('an unreadable entry of the outbox holds up no event, and no event is told twice', async () => {
  await damage('_system.outbox.ghost');
  await send('POST', '/v1/tenants', { id: 'initech' });
  const told = async () =>
    (await readEvents(copy.nats)).filter(({ subject }) => subject === 'cb.events.initech.tenant.created.initech')
      .length;
  await until(async () => (await told()) === 1, 'the event');
  await until(
    async () =>
      (await copy.app.stores.config.list('*.outbox.*')).map(({ key }) => key).join() === '_system.outbox.ghost',
    'an outbox with nothing but what cannot be read',
  );
  assert.equal(await told(), 1);
});

test('a damaged network cuts nobody off, and what changes elsewhere is published', async () => {
  const before = await newest();
  const own = before?.tenants.find(({ tenant }) => tenant === 'acme')?.prefixes;
  await damage('acme.network.n');
  await send('POST', '/v1/tenants/globex/networks', { id: 'later', ipv4Pool: '10.70.0.0/24' });
  await until(
    async () => !!(await newest())?.tenants.some(({ prefixes }) => prefixes.includes('10.70.0.0/24')),
    'the revision with the new network',
  );
  const { tenants = [] } = (await newest()) ?? {};
  assert.deepEqual(tenants.find(({ tenant }) => tenant === 'acme')?.prefixes, own);
  // The same again gives the same: no revision follows another without a change.
  const { number } = (await newest()) ?? {};
  await publisher.publishIfChanged();
  assert.equal((await newest())?.number, number);
});

test('what PoPs announce is in the revision, and nothing is withdrawn for a damaged record', async () => {
  const idsOf = (routing: RoutingConfig | undefined): string[] =>
    [routing?.prefixes ?? [], routing?.neighbors ?? [], routing?.uplinks ?? [], routing?.policies ?? []]
      .flat()
      .map(({ id }) => id);
  const routed = async (): Promise<RoutingConfig | undefined> => (await newest())?.routing;
  assert.deepEqual(idsOf(await routed()), ['service', 'transit', 'eth0', 'policy']);
  const [prefix] = (await routed())?.prefixes ?? [];
  assert.deepEqual([prefix?.prefix, prefix?.meta], ['192.0.2.0/24', undefined]);
  const before = await routed();
  for (const key of ['prefix.service', 'neighbor.moscow.transit', 'uplink.moscow.eth0', 'route-policy.policy'])
    await damage(`_system.${key}`);
  await send('POST', '/v1/prefixes', { id: 'another', prefix: '2001:db8:a::/48' });
  await until(async () => idsOf(await routed()).includes('another'), 'the revision with another prefix');
  assert.deepEqual(idsOf(await routed()), ['another', 'service', 'transit', 'eth0', 'policy']);
  assert.deepEqual((await routed())?.neighbors, before?.neighbors);
  await copy.app.stores.config.commit([{ key: '_system.neighbor.moscow.transit', value: undefined }]);
  await until(async () => !idsOf(await routed()).includes('transit'), 'the end of what was deleted');
});

test('what names lead to is in the revision, and a damaged record leads nobody elsewhere', async () => {
  const named = async () => (await newest())?.dns;
  await send('PATCH', '/v1/pops/moscow', { addresses: ['198.51.100.1'] });
  await send('POST', '/v1/dns-places', { id: 'urals', prefixes: ['203.0.113.0/24'], pops: ['moscow'] });
  assert.equal(await named(), undefined, 'without a zone nobody needs it');
  const zone = { id: 'edge', domain: 'edge.example', nameServers: ['ns.example'], services: ['www.edge.example'] };
  await send('POST', '/v1/dns-zones', zone);
  await until(async () => (await named()) !== undefined, 'the zone');
  const before = await named();
  assert.deepEqual(
    [before?.zones[0]?.meta, before?.places[0]?.prefixes, before?.pops.find(({ id }) => id === 'moscow')?.addresses],
    [undefined, ['203.0.113.0/24'], ['198.51.100.1']],
  );
  for (const key of ['zone.edge', 'place.urals', 'pop.moscow']) await damage(`_system.${key}`);
  await send('POST', '/v1/dns-zones', { ...zone, id: 'more', domain: 'more.example', services: [] });
  await until(async () => (await named())?.zones.length === 2, 'the revision with another zone');
  assert.deepEqual([(await named())?.places, (await named())?.pops], [before?.places, before?.pops]);
  assert.deepEqual((await named())?.zones[0], before?.zones[0]);
});

test('an unreadable manifest is published anew, with a number that workers take', async () => {
  const before = await newest();
  await copy.app.stores.desired.commit([{ key: FLEET_MANIFEST, value: GARBAGE }]);
  await publisher.publishIfChanged();
  await until(async () => (await newest()) !== undefined, 'a manifest');
  assert.ok(((await newest())?.number ?? 0n) > (before?.number ?? 0n));
  assert.equal(reportsOf(FLEET_MANIFEST).length, 1);
});
