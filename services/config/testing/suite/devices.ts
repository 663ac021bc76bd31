import assert from 'node:assert/strict';
import { eventually } from '../client.ts';
import { type Case, reasonOf } from './case.ts';

export const lifeAndEnd = async ({ send, id }: Case): Promise<void> => {
  const acme = id('acme');
  const tenant = await send('POST', '/v1/tenants', { id: acme, displayName: 'Acme' });
  assert.equal(tenant.status, 201, JSON.stringify(tenant.json));
  assert.equal(tenant.headers.get('etag'), `"${tenant.json.meta.etag}"`);
  const base = `/v1/tenants/${acme}`;
  const network = await send('POST', `${base}/networks`, { id: 'office', ipv4Pool: '10.64.0.0/24' });
  assert.match(network.json.ipv6Prefix, /^fd[0-9a-f:]+::\/64$/);
  const first = await send('POST', `${base}/devices`, { id: 'a', network: 'office', owner: 'u1' });
  assert.deepEqual(
    [first.status, first.json.ipv4Address, first.json.state],
    [201, '10.64.0.2', 'DEVICE_STATE_ACTIVE'],
    JSON.stringify(first.json),
  );
  assert.ok(first.json.ipv6Address.startsWith(network.json.ipv6Prefix.replace(':/64', '')));
  const chosen = await send('POST', `${base}/devices`, { network: 'office', ipv4Address: '10.64.0.77' });
  assert.match(chosen.json.id, /^device-[a-z0-9]{10}$/);
  assert.equal(chosen.json.ipv4Address, '10.64.0.77');

  assert.deepEqual(await reasonOf(send('DELETE', base)), [409, 'TENANT_NOT_EMPTY']);
  assert.deepEqual(await reasonOf(send('DELETE', `${base}/networks/office`)), [409, 'NETWORK_NOT_EMPTY']);
  assert.equal((await send('GET', `${base}/devices/a`)).json.meta.etag, first.json.meta.etag);
  for (const device of ['a', chosen.json.id])
    assert.equal((await send('DELETE', `${base}/devices/${device}`)).status, 204);
  assert.equal((await send('DELETE', `${base}/networks/office`)).status, 204);
  assert.equal((await send('DELETE', base)).status, 204);
  assert.deepEqual(await reasonOf(send('GET', base)), [404, 'TENANT_NOT_FOUND']);
  assert.deepEqual(await reasonOf(send('POST', '/v1/tenants', { id: acme })), [409, 'TENANT_ID_USED']);
};

export const heldIds = async ({ send, id }: Case): Promise<void> => {
  const base = `/v1/tenants/${id('hold')}`;
  await send('POST', '/v1/tenants', { id: id('hold') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.0.0.0/29' });
  const create = (body: Record<string, string>) => send('POST', `${base}/devices`, { network: 'n', ...body });
  await create({ id: 'a' });
  await send('DELETE', `${base}/devices/a`);
  assert.deepEqual(await reasonOf(create({ id: 'a' })), [409, 'DEVICE_ID_HELD']);
  assert.equal((await create({ id: 'b' })).json.ipv4Address, '10.0.0.3');
  assert.deepEqual(await reasonOf(create({ id: 'c', ipv4Address: '10.0.0.2' })), [409, 'ADDRESS_TAKEN']);
  for (const device of ['d', 'e', 'f']) assert.equal((await create({ id: device })).status, 201);
  assert.deepEqual(await reasonOf(create({ id: 'g' })), [429, 'ADDRESSES_EXHAUSTED']);
};

const MANY = 20;

export const manyAtOnce = async ({ send, id }: Case): Promise<void> => {
  const base = `/v1/tenants/${id('many')}`;
  await send('POST', '/v1/tenants', { id: id('many') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.64.0.0/16' });
  const made = await Promise.all(
    Array.from({ length: MANY }, (_, i) => send('POST', `${base}/devices`, { id: `d${i}`, network: 'n' })),
  );
  for (const { status, json } of made) assert.equal(status, 201, JSON.stringify(json));
  assert.equal(new Set(made.map(({ json }) => json.ipv4Address)).size, MANY);
  assert.equal(new Set(made.map(({ json }) => json.ipv6Address)).size, MANY);
  const listed = await send('GET', `${base}/devices?page.size=1000`);
  assert.equal(listed.json.devices.length, MANY);
};

export const revocation = async ({ send, id }: Case): Promise<void> => {
  const base = `/v1/tenants/${id('revoke')}`;
  await send('POST', '/v1/tenants', { id: id('revoke') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.1.0.0/24' });
  await send('POST', `${base}/devices`, { id: 'lost', network: 'n' });
  const revoked = await send('POST', `${base}/devices/lost/revoke`, { reason: 'stolen' });
  assert.equal(revoked.json.state, 'DEVICE_STATE_REVOKED');
  // Whoever comes first marks it, the call or what cleans up behind calls; both see it through.
  const state = async () => (await send('GET', `${base}/devices/lost`)).json.state === 'DEVICE_STATE_REVOKED';
  await eventually(async () => ((await state()) ? true : undefined), 'it is revoked');
};
