import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PERMISSIONS } from '#services/authn/permissions.ts';
import { CONFIG_SERVICES } from './app.ts';
import { createClient, type Send } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let copy: Copy;
let send: Send;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  send = copy.send;
});
after(() => installation?.close());

const reasonOf = async (answer: ReturnType<Send>): Promise<[number, string]> => {
  const { status, json } = await answer;
  return [status, json.reason];
};

test('a tenant, its network and a device live and end', async () => {
  const tenant = await send('POST', '/v1/tenants', { id: 'acme', displayName: 'Acme' });
  assert.equal(tenant.status, 201);
  assert.equal(tenant.headers.get('etag'), `"${tenant.json.meta.etag}"`);
  const network = await send('POST', '/v1/tenants/acme/networks', { id: 'office', ipv4Pool: '10.64.0.0/24' });
  assert.match(network.json.ipv6Prefix, /^fd[0-9a-f:]+::\/64$/);
  const first = await send('POST', '/v1/tenants/acme/devices', { id: 'a', network: 'office', owner: 'u1' });
  assert.deepEqual(
    [first.status, first.json.ipv4Address, first.json.state],
    [201, '10.64.0.2', 'DEVICE_STATE_ACTIVE'],
    JSON.stringify(first.json),
  );
  assert.ok(first.json.ipv6Address.startsWith(network.json.ipv6Prefix.replace(':/64', '')));
  const chosen = await send('POST', '/v1/tenants/acme/devices', { network: 'office', ipv4Address: '10.64.0.77' });
  assert.match(chosen.json.id, /^device-[a-z0-9]{10}$/);
  assert.equal(chosen.json.ipv4Address, '10.64.0.77');

  assert.deepEqual(await reasonOf(send('DELETE', '/v1/tenants/acme')), [409, 'TENANT_NOT_EMPTY']);
  assert.deepEqual(await reasonOf(send('DELETE', '/v1/tenants/acme/networks/office')), [409, 'NETWORK_NOT_EMPTY']);
  assert.equal((await send('GET', '/v1/tenants/acme/devices/a')).json.meta.etag, first.json.meta.etag);
  for (const id of ['a', chosen.json.id])
    assert.equal((await send('DELETE', `/v1/tenants/acme/devices/${id}`)).status, 204);
  assert.equal((await send('DELETE', '/v1/tenants/acme/networks/office')).status, 204);
  assert.equal((await send('DELETE', '/v1/tenants/acme')).status, 204);
  assert.deepEqual(await reasonOf(send('GET', '/v1/tenants/acme')), [404, 'TENANT_NOT_FOUND']);
  assert.deepEqual(await reasonOf(send('POST', '/v1/tenants', { id: 'acme' })), [409, 'TENANT_ID_USED']);
});

test('a deleted device leaves its id and address to nobody for a while', async () => {
  await send('POST', '/v1/tenants', { id: 'hold' });
  await send('POST', '/v1/tenants/hold/networks', { id: 'n', ipv4Pool: '10.0.0.0/29' });
  await send('POST', '/v1/tenants/hold/devices', { id: 'a', network: 'n' });
  await send('DELETE', '/v1/tenants/hold/devices/a');
  assert.deepEqual(await reasonOf(send('POST', '/v1/tenants/hold/devices', { id: 'a', network: 'n' })), [
    409,
    'DEVICE_ID_HELD',
  ]);
  assert.equal(
    (await send('POST', '/v1/tenants/hold/devices', { id: 'b', network: 'n' })).json.ipv4Address,
    '10.0.0.3',
  );
  const wanted = { id: 'c', network: 'n', ipv4Address: '10.0.0.2' };
  assert.deepEqual(await reasonOf(send('POST', '/v1/tenants/hold/devices', wanted)), [409, 'ADDRESS_TAKEN']);
  for (const id of ['d', 'e', 'f'])
    assert.equal((await send('POST', '/v1/tenants/hold/devices', { id, network: 'n' })).status, 201);
  assert.deepEqual(await reasonOf(send('POST', '/v1/tenants/hold/devices', { id: 'g', network: 'n' })), [
    429,
    'ADDRESSES_EXHAUSTED',
  ]);
});

test('changes ask for the etag, name what is fixed, and change only what they name', async () => {
  await send('POST', '/v1/tenants', { id: 'edit', displayName: 'One' });
  const network = await send('POST', '/v1/tenants/edit/networks', {
    id: 'n',
    displayName: 'N',
    ipv4Pool: '10.1.0.0/24',
    egress: true,
  });
  const path = '/v1/tenants/edit/networks/n';
  const etag = network.headers.get('etag') as string;
  const changed = await send('PATCH', path, { displayName: 'M' }, { 'if-match': etag });
  assert.deepEqual([changed.status, changed.json.displayName, changed.json.egress], [200, 'M', true]);
  assert.deepEqual(await reasonOf(send('PATCH', path, { displayName: 'X' }, { 'if-match': etag })), [
    412,
    'ETAG_MISMATCH',
  ]);
  assert.deepEqual(await reasonOf(send('DELETE', path, undefined, { 'if-match': etag })), [412, 'ETAG_MISMATCH']);
  assert.equal((await send('PATCH', path, { egress: false })).json.egress, undefined, 'named and false: cleared');
  assert.equal((await send('PATCH', path, { displayName: '' })).json.displayName, undefined);
  assert.deepEqual(await reasonOf(send('PATCH', path, { ipv4Pool: '10.2.0.0/24' })), [400, 'FIELD_IS_FIXED']);
  const whole = (await send('GET', path)).json;
  assert.equal(
    (await send('PATCH', path, { ...whole, displayName: 'W' })).json.displayName,
    'W',
    'read, change, write back',
  );
});

test('a request with a key is carried out once and answered the same', async () => {
  await send('POST', '/v1/tenants', { id: 'idem' });
  const key = { 'idempotency-key': 'k-1' };
  const body = { displayName: 'N', ipv4Pool: '10.1.0.0/24' };
  const answers = await Promise.all([1, 2, 3].map(() => send('POST', '/v1/tenants/idem/networks', body, key)));
  for (const { status, json, headers } of answers) {
    assert.equal(status, 201);
    // An id that the service makes up differs with every call unless the answer is a replay.
    assert.deepEqual([json, headers.get('etag')], [answers[0]?.json, answers[0]?.headers.get('etag')]);
  }
  assert.equal((await send('GET', '/v1/tenants/idem/networks')).json.networks.length, 1);
  const read = await send('GET', `/v1/tenants/idem/networks/${answers[0]?.json.id}`);
  assert.deepEqual(read.json, answers[0]?.json, 'the replayed etag is the stored one');
  assert.deepEqual(await reasonOf(send('POST', '/v1/tenants/idem/networks', { ...body, displayName: 'M' }, key)), [
    409,
    'IDEMPOTENCY_KEY_REUSED',
  ]);
  const path = `/v1/tenants/idem/networks/${read.json.id}`;
  for (let i = 0; i < 2; i++)
    assert.equal((await send('DELETE', path, undefined, { 'idempotency-key': 'k-2' })).status, 204);
});

test('lists come in pages with tokens that belong to them', async () => {
  await send('POST', '/v1/tenants', { id: 'pages' });
  for (let i = 0; i < 5; i++)
    await send('POST', '/v1/tenants/pages/networks', { id: `n${i}`, ipv4Pool: '10.1.0.0/24' });
  const seen: string[] = [];
  let token = '';
  do {
    const { json } = await send('GET', `/v1/tenants/pages/networks?page.size=2&page.token=${token}`);
    seen.push(...json.networks.map(({ id }: { id: string }) => id));
    token = json.nextPageToken ?? '';
    if (token !== '') {
      assert.deepEqual(await reasonOf(send('GET', `/v1/tenants/idem/networks?page.token=${token}`)), [
        400,
        'PAGE_TOKEN_INVALID',
      ]);
    }
  } while (token !== '');
  assert.deepEqual(seen, ['n0', 'n1', 'n2', 'n3', 'n4']);
  assert.deepEqual(await reasonOf(send('GET', '/v1/tenants/pages/networks?page.token=x')), [400, 'PAGE_TOKEN_INVALID']);
});

test('PoPs, workers and draining', async () => {
  await send('POST', '/v1/pops', { id: 'moscow', latitude: 55.75, longitude: 37.6 });
  assert.equal((await send('POST', '/v1/pops/moscow/workers', { id: 'w1' })).status, 201);
  assert.deepEqual(await reasonOf(send('POST', '/v1/pops/nowhere/workers', { id: 'w1' })), [404, 'POP_NOT_FOUND']);
  assert.equal((await send('POST', '/v1/pops/moscow/workers/w1/drain', {})).json.drain, true);
  assert.equal((await send('POST', '/v1/pops/moscow/workers/w1/undrain', {})).json.drain, undefined);
  assert.deepEqual(await reasonOf(send('DELETE', '/v1/pops/moscow')), [409, 'POP_NOT_EMPTY']);
  assert.equal((await send('GET', '/v1/pops/moscow/workers')).json.workers[0].id, 'w1');
  await send('DELETE', '/v1/pops/moscow/workers/w1');
  assert.equal((await send('DELETE', '/v1/pops/moscow')).status, 204);
  assert.equal((await send('POST', '/v1/pops', { id: 'moscow' })).status, 201, 'a PoP may come back');
});

test('who may do what', async () => {
  const { tokens } = installation;
  await send('POST', '/v1/tenants', { id: 'mine', organisation: 'org-1' });
  await send('POST', '/v1/tenants', { id: 'theirs', organisation: 'org-2' });
  const admin = createClient(
    copy.app.fetch,
    await tokens.sign({ subject: 'ada', roles: ['tenant-admin'], organisation: 'org-1' }),
  );
  const nobody = createClient(
    copy.app.fetch,
    await tokens.sign({ subject: 'ned', roles: ['developer'], organisation: 'org-1' }),
  );
  const homeless = createClient(copy.app.fetch, await tokens.sign({ subject: 'hal', roles: ['tenant-admin'] }));
  assert.equal((await admin('POST', '/v1/tenants/mine/networks', { id: 'n', ipv4Pool: '10.1.0.0/24' })).status, 201);
  assert.deepEqual(await reasonOf(admin('GET', '/v1/tenants/theirs')), [404, 'TENANT_NOT_FOUND']);
  assert.deepEqual(await reasonOf(homeless('GET', '/v1/tenants/pages')), [404, 'TENANT_NOT_FOUND']);
  assert.deepEqual(
    (await admin('GET', '/v1/tenants')).json.tenants.map(({ id }: { id: string }) => id),
    ['mine'],
  );
  assert.deepEqual(await reasonOf(admin('POST', '/v1/tenants', { id: 'new' })), [403, 'ROLE_MISSING']);
  assert.deepEqual(await reasonOf(admin('GET', '/v1/pops')), [403, 'ROLE_MISSING']);
  assert.deepEqual(await reasonOf(nobody('GET', '/v1/tenants/mine')), [403, 'ROLE_MISSING']);
  for (const token of ['', 'x.y.z', await tokens.forge()]) {
    const refused = await createClient(copy.app.fetch, token)('GET', '/v1/tenants');
    assert.deepEqual([refused.status, refused.json.reason], [401, token === '' ? 'TOKEN_MISSING' : 'TOKEN_INVALID']);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
  }
});

test('every RPC has a row in the table of permissions', () => {
  for (const service of CONFIG_SERVICES) {
    for (const method of service.methods) assert.ok(PERMISSIONS.has(`${service.name}/${method.name}`), method.name);
  }
});

test('bad fields are named, all at once', async () => {
  const bad = await send('POST', '/v1/tenants', { id: 'Not-An-Id', displayName: 'x'.repeat(101) });
  assert.deepEqual(
    [bad.status, bad.json.violations.map(({ field }: { field: string }) => field)],
    [400, ['tenant.id', 'tenant.display_name']],
  );
  await send('POST', '/v1/tenants', { id: 'bad' });
  const pool = await send('POST', '/v1/tenants/bad/networks', { id: 'n', ipv4Pool: '8.8.8.0/24' });
  assert.deepEqual([pool.status, pool.json.violations[0].field], [400, 'network.ipv4_pool']);
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
