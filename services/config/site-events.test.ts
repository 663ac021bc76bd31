import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampNow } from '@bufbuild/protobuf/wkt';
import { ConfigKey, StatusKey } from '#model/names.ts';
import { Health, PresenceSchema, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { type SiteReachSchema, TunnelState } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { configMeter } from './app.ts';
import { SiteEvents } from './site-events.ts';
import { createClient, eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';
import { readEvents } from './testing/read-events.ts';

let installation: TestInstallation;
let copy: Copy;
let keys = 0;
let said = 0;

const { REACHED, LOST, HELD } = TunnelState;
const START_MS = 1_000_000;

/** What a worker says of itself: that it serves, unless said otherwise. */
const says = (pop: string, more: MessageInitShape<typeof WorkerStatusSchema> = {}): Promise<unknown> => {
  const status = { pop, worker: 'w1', health: Health.SERVING, startTime: timestampFromMs(START_MS), ...more };
  const value = toBinary(WorkerStatusSchema, create(WorkerStatusSchema, status));
  return copy.app.stores.status.commit([{ key: StatusKey.worker(pop, 'w1'), value }]);
};

/** …and of a device of a site; undefined: nothing any more. */
const reports = (
  pop: string,
  device: string,
  site: MessageInitShape<typeof SiteReachSchema> | undefined,
  tenant = 'acme',
): Promise<unknown> => {
  const key = StatusKey.site(tenant, device, pop, 'w1');
  if (site === undefined) return copy.app.stores.status.commit([{ key, value: undefined }]);
  const presence = create(PresenceSchema, {
    ...{
      tenant,
      device,
      pop,
      worker: 'w1',
      since: timestampFromMs(START_MS + 1000 * ++said),
      workerStartTime: timestampFromMs(START_MS),
    },
    site: { since: timestampNow(), ...site },
  });
  return copy.app.stores.status.commit([{ key, value: toBinary(PresenceSchema, presence) }]);
};

const randomKey = (): string => Buffer.alloc(32, ++keys).toString('base64');

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  for (const tenant of ['acme', 'other']) {
    await copy.send('POST', '/v1/tenants', { id: tenant, organisation: tenant });
    for (const [id, ipv4Pool] of [
      ['office', '10.64.0.0/24'],
      ['branch', '192.168.0.0/16'],
    ] as const)
      await copy.send('POST', `/v1/tenants/${tenant}/networks`, { id, ipv4Pool });
  }
  for (const pop of ['moscow', 'berlin']) await says(pop);
});
after(() => installation?.close());

/** Makes the devices of a site, with rising metrics. */
const makeSite = async (site: string, n: number, devices: readonly string[]): Promise<void> => {
  for (const [i, id] of devices.entries()) {
    const wireguard = { publicKey: randomKey(), networks: [`192.168.${n}.0/24`], site, metric: 10 * i };
    const { status, json } = await copy.send('POST', '/v1/tenants/acme/devices', { id, network: 'office', wireguard });
    assert.equal(status, 201, JSON.stringify(json));
  }
};

const siteOf = async (site: string) => {
  const { json } = await copy.send('GET', `/v1/tenants/acme/sites/${site}`);
  const tunnels = json.tunnels.map((tunnel: Record<string, unknown>) => {
    const { device, pop, state, active, workerSilent, lastChoice } = tunnel;
    const flags = Object.entries({ active, workerSilent, lastChoice }).flatMap(([name, is]) => (is ? [name] : []));
    return [device, pop ?? '-', String(state).replace('TUNNEL_STATE_', ''), ...flags].join(' ');
  });
  return [json.state.replace('SITE_STATE_', ''), json.device ?? '-', json.pop ?? '-', ...tunnels];
};

/** Looks as copies of the service do, but more often. */
const look = (t: TestContext, settleMs = 0): ((series: string) => number) => {
  const meter = configMeter();
  const events = new SiteEvents(copy.app.stores, meter, (error) => installation.reports.push(error), {
    ...{ lookMs: 20, settleMs },
  });
  t.after(() => events.close());
  return (series) =>
    Number(new RegExp(`^cloudbridge_config_${series.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(meter.text())?.[1]);
};

/** What was told of a site: which event, by which device at which PoP it is reached, and by which it was. */
const told = async (site: string): Promise<string[]> => {
  const events = await readEvents(copy.nats);
  return events.flatMap(({ subject, body }) => {
    const [, , tenant, area, type, id] = subject.split('.');
    if (tenant !== 'acme' || area !== 'site' || id !== site) return [];
    const { device = '-', pop = '-', formerDevice = '-', formerPop = '-', formerWorkerSilent } = JSON.parse(body);
    return [`${type} ${device} ${pop} ${formerDevice} ${formerPop}${formerWorkerSilent ? ' silent' : ''}`];
  });
};

const isTold = (site: string, expected: readonly string[]): Promise<unknown> =>
  eventually(async () => {
    const found = await told(site);
    if (found.length < expected.length) return undefined;
    assert.deepEqual(found, expected);
    return true;
  }, expected.at(-1) ?? '');

test('a site shows by which of its devices it is reached: the lowest rank, then who came last, none that is lost', async () => {
  await makeSite('berlin', 1, ['b1', 'b2']);
  assert.deepEqual(await siteOf('berlin'), ['DOWN', '-', '-', 'b1 - AWAY', 'b2 - AWAY']);
  await reports('moscow', 'b1', { site: 'berlin', state: REACHED, rank: 0 });
  await reports('berlin', 'b2', { site: 'berlin', state: REACHED, rank: 10 });
  assert.deepEqual(await siteOf('berlin'), ['UP', 'b1', 'moscow', 'b1 moscow REACHED active', 'b2 berlin REACHED']);
  await reports('moscow', 'b1', { site: 'berlin', state: HELD, rank: 256 });
  assert.deepEqual(await siteOf('berlin'), [
    'UP',
    'b2',
    'berlin',
    'b1 moscow HELD lastChoice',
    'b2 berlin REACHED active',
  ]);
  await reports('berlin', 'b2', { site: 'berlin', state: LOST, rank: 10 });
  assert.deepEqual((await siteOf('berlin')).slice(0, 3), ['UP', 'b1', 'moscow']);
  await reports('moscow', 'b1', { site: 'berlin', state: LOST, rank: 0 });
  assert.deepEqual((await siteOf('berlin')).slice(0, 3), ['DOWN', '-', '-']);
  for (const device of ['b1', 'b2']) await reports('moscow', device, { site: 'berlin', state: REACHED, rank: 0 });
  assert.deepEqual((await siteOf('berlin')).slice(0, 2), ['UP', 'b2'], 'who came last');
});

test('lists of sites go page by page, are their tenant’s alone, and know no other site', async () => {
  await makeSite('oslo', 2, ['o1']);
  const list = async (query = '') => (await copy.send('GET', `/v1/tenants/acme/sites${query}`)).json;
  const ids = ({ sites = [] }: { sites?: { id: string }[] }) => sites.map(({ id }) => id);
  assert.deepEqual(ids(await list()), ['berlin', 'oslo']);
  const first = await list('?page.size=1');
  assert.deepEqual([ids(first), ids(await list(`?page.token=${first.nextPageToken}`))], [['berlin'], ['oslo']]);
  for (const token of ['x', 'site.other.berlin', 'site.acme.', '.'])
    assert.equal((await list(`?page.token=${token}`)).reason, 'PAGE_TOKEN_INVALID', token);
  for (const [path, reason] of [
    ['acme/sites/paris', 'SITE_NOT_FOUND'],
    ['other/sites/berlin', 'SITE_NOT_FOUND'],
    ['acme/sites/a%2Fb', 'SITE_NOT_FOUND'],
    ['nobody/sites', 'TENANT_NOT_FOUND'],
  ])
    assert.equal((await copy.send('GET', `/v1/tenants/${path}`)).json.reason, reason, path);
  const foreign = createClient(
    copy.app.fetch,
    await installation.tokens.sign({ subject: 'tim', roles: ['tenant-admin'], organisation: 'other' }),
  );
  assert.equal((await foreign('GET', '/v1/tenants/acme/sites')).status, 404);
  assert.deepEqual(ids((await foreign('GET', '/v1/tenants/other/sites')).json), []);
});

test('`device get` says where a device is and how its site is reached by it, lists do not', async () => {
  const presence = create(PresenceSchema, {
    ...{ tenant: 'acme', device: 'b1', pop: 'moscow', worker: 'w1', since: timestampNow(), edgeKey: 'k' },
    workerStartTime: timestampFromMs(START_MS),
  });
  const key = StatusKey.presence('acme', 'b1', 'moscow', 'w1');
  await copy.app.stores.status.commit([{ key, value: toBinary(PresenceSchema, presence) }]);
  await reports('moscow', 'b1', { site: 'berlin', state: HELD, rank: 256 });
  const get = async () => (await copy.send('GET', '/v1/tenants/acme/devices/b1')).json;
  const [{ pop, edgeKey, site, workerSilent }] = (await get()).presence;
  assert.deepEqual(
    [pop, edgeKey, site.state, site.rank, workerSilent],
    ['moscow', 'k', 'TUNNEL_STATE_HELD', 256, undefined],
  );
  const { devices } = (await copy.send('GET', '/v1/tenants/acme/devices')).json;
  assert.ok(devices.every((device: object) => !('presence' in device)));
  const { status, json } = await copy.send('PATCH', '/v1/tenants/acme/devices/b1', {
    ...(await get()),
    displayName: 'B',
  });
  assert.deepEqual([status, json.displayName, json.presence], [200, 'B', undefined], 'it is nothing to be set');
});

test('what a worker said before it started anew, or before it stopped, holds no more', async () => {
  await makeSite('rome', 3, ['r1']);
  await reports('moscow', 'r1', { site: 'rome', state: REACHED, rank: 0 });
  assert.equal((await siteOf('rome'))[0], 'UP');
  await says('moscow', { startTime: timestampFromMs(START_MS + 1) });
  assert.deepEqual(await siteOf('rome'), ['DOWN', '-', '-', 'r1 - AWAY']);
  await says('moscow', { health: Health.STOPPED });
  assert.deepEqual(await siteOf('rome'), ['DOWN', '-', '-', 'r1 - AWAY']);
  await says('moscow');
});

test('what a worker says under its own name of others, or of what is no site, counts for nothing', async (t) => {
  const count = look(t);
  await makeSite('bern', 10, ['n2']);
  const { status } = copy.app.stores;
  const put = (more: Partial<Record<'tenant' | 'device' | 'pop' | 'worker', string>>, site = 'bern') => {
    const presence = { tenant: 'acme', device: 'n2', pop: 'moscow', worker: 'w1', ...more };
    const reach = { site, state: REACHED };
    const value = toBinary(PresenceSchema, create(PresenceSchema, { ...presence, site: reach }));
    return status.commit([{ key: StatusKey.site('acme', 'n2', 'moscow', 'w1'), value }]);
  };
  for (const [more, site] of [
    ...[{ tenant: 'other' }, { device: 'b1' }, { pop: 'berlin' }, { worker: 'w2' }].map((each) => [each] as const),
    ...['', 'a.b', '>', 'B', 'x'.repeat(41)].map((each) => [{}, each] as const),
  ]) {
    await put(more, site);
    assert.deepEqual(await siteOf('bern'), ['DOWN', '-', '-', 'n2 - AWAY'], JSON.stringify([more, site]));
  }
  await status.commit([{ key: StatusKey.site('acme', 'n2', 'moscow', 'w1'), value: Uint8Array.of(0xff) }]);
  assert.equal((await siteOf('bern'))[0], 'DOWN');
  await put({});
  await isTold('bern', ['up n2 moscow - -']);
  assert.equal(count('site_events_total{event="failover"}'), 0);
});

test('of a site that was down for so long that this is forgotten it is told that it is up', async (t) => {
  await makeSite('basel', 11, ['s1']);
  const { config } = copy.app.stores;
  const key = ConfigKey.site('acme', 'basel');
  await config.commit([{ key, value: new Uint8Array() }]);
  await config.commit([{ key, value: undefined }]);
  look(t);
  await reports('moscow', 's1', { site: 'basel', state: REACHED, rank: 0 });
  await isTold('basel', ['up s1 moscow - -']);
});

test('up, over to another device, and down are told, each once though two copies look', async (t) => {
  await makeSite('wien', 4, ['w1', 'w2']);
  const counts = [look(t), look(t)];
  await reports('moscow', 'w1', { site: 'wien', state: REACHED, rank: 0 });
  await isTold('wien', ['up w1 moscow - -']);
  await reports('berlin', 'w2', { site: 'wien', state: REACHED, rank: 10 });
  await reports('moscow', 'w1', { site: 'wien', state: LOST, rank: 0 });
  await isTold('wien', ['up w1 moscow - -', 'failover w2 berlin w1 moscow']);
  await reports('berlin', 'w2', undefined);
  await isTold('wien', ['up w1 moscow - -', 'failover w2 berlin w1 moscow', 'down - - w2 berlin']);
  for (const event of ['up', 'failover', 'down']) {
    const all = counts.map((count) => count(`site_events_total{event="${event}"}`));
    assert.ok(all.reduce((sum, one) => sum + one, 0) >= 1, event);
  }
  await eventually(async () => counts[0]?.('sites_count{state="down"}') !== 0 || undefined, 'one is down');
});

test('a worker that falls silent: its sites go by others, or are down, and it is said that it may live', async (t) => {
  await makeSite('riga', 5, ['g1', 'g2']);
  look(t);
  await reports('moscow', 'g1', { site: 'riga', state: REACHED, rank: 0 });
  await isTold('riga', ['up g1 moscow - -']);
  await reports('berlin', 'g2', { site: 'riga', state: REACHED, rank: 10 });
  const { status } = copy.app.stores;
  const list = status.list.bind(status);
  t.mock.method(status, 'list', async (filter: string) => {
    const records = await list(filter);
    return records.map((record) =>
      record.key === 'worker.moscow.w1' ? { ...record, timeMs: Date.now() - 16_000 } : record,
    );
  });
  await isTold('riga', ['up g1 moscow - -', 'failover g2 berlin g1 moscow silent']);
  assert.deepEqual(await siteOf('riga'), [
    'UP',
    'g2',
    'berlin',
    'g1 moscow REACHED workerSilent',
    'g2 berlin REACHED active',
  ]);
});

test('before it has looked for a while nobody is taken for silent, and nothing is down', async (t) => {
  await makeSite('kiel', 6, ['k1']);
  await reports('moscow', 'k1', { site: 'kiel', state: REACHED, rank: 0 });
  const stop = new SiteEvents(copy.app.stores, configMeter(), (error) => installation.reports.push(error), {
    lookMs: 20,
    settleMs: 0,
  });
  await isTold('kiel', ['up k1 moscow - -']);
  await stop.close();
  await reports('moscow', 'k1', undefined);
  const count = look(t, 60_000);
  await eventually(async () => (count('sites_count{state="down"}') > 0 ? true : undefined), 'it has looked');
  assert.deepEqual(await told('kiel'), ['up k1 moscow - -']);
});

test('a site that flaps is told of six times, and then waits; what is told then is the newest', async (t) => {
  await makeSite('genf', 7, ['f1']);
  const count = look(t);
  const flap = ['up f1 moscow - -', 'down - - f1 moscow'];
  for (let i = 0; i < 6; i++) {
    await reports('moscow', 'f1', i % 2 === 0 ? { site: 'genf', state: REACHED, rank: 0 } : undefined);
    await isTold('genf', [...flap, ...flap, ...flap].slice(0, i + 1));
  }
  await reports('moscow', 'f1', { site: 'genf', state: REACHED, rank: 0 });
  await eventually(async () => (count('held_site_events_count') === 1 ? true : undefined), 'it is held back');
  assert.equal((await told('genf')).length, 6);
  assert.equal((await siteOf('genf'))[0], 'UP', 'it shows all the same');
  const now = Date.now();
  t.mock.method(Date, 'now', () => now + 61_000);
  for (const pop of ['moscow', 'berlin']) await says(pop);
  const { status } = copy.app.stores;
  const list = status.list.bind(status);
  t.mock.method(status, 'list', async (filter: string) =>
    (await list(filter)).map((record) => ({ ...record, timeMs: Date.now() })),
  );
  await isTold('genf', [...flap, ...flap, ...flap, 'up f1 moscow - -']);
});

test('NATS was away: workers that have not found their way back yet are not taken for silent', async (t) => {
  await makeSite('nizza', 8, ['n1']);
  await reports('moscow', 'n1', { site: 'nizza', state: REACHED, rank: 0 });
  look(t, 2500);
  await isTold('nizza', ['up n1 moscow - -']);
  // It has looked long enough to say who is down.
  await makeSite('lyon', 9, ['l1']);
  await reports('moscow', 'l1', { site: 'lyon', state: REACHED, rank: 0 });
  await isTold('lyon', ['up l1 moscow - -']);
  await reports('moscow', 'l1', undefined);
  await isTold('lyon', ['up l1 moscow - -', 'down - - l1 moscow']);
  await installation.server.kill();
  const { status } = copy.app.stores;
  const list = status.list.bind(status);
  const aged = t.mock.method(status, 'list', async (filter: string) =>
    (await list(filter)).map((record) => ({ ...record, timeMs: record.timeMs - 60_000 })),
  );
  await installation.server.start();
  let looks = aged.mock.callCount();
  await eventually(async () => {
    const isThere = await list('worker.*.*').then(
      () => true,
      () => false,
    );
    if (!isThere) looks = aged.mock.callCount();
    return isThere && aged.mock.callCount() > looks + 10 ? true : undefined;
  }, 'it looks again');
  assert.deepEqual(await told('nizza'), ['up n1 moscow - -']);
  aged.mock.restore();
  await says('moscow');
  await reports('moscow', 'n1', { site: 'nizza', state: LOST, rank: 0 });
  await isTold('nizza', ['up n1 moscow - -', 'down - - n1 moscow']);
});
