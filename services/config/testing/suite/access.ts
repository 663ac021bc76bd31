import assert from 'node:assert/strict';
import { createClient } from '../client.ts';
import { type Case, reasonOf } from './case.ts';

export const whoMayDoWhat = async ({ api, send, id }: Case): Promise<void> => {
  const [own, foreign] = api.organisations;
  const [mine, theirs] = [id('mine'), id('theirs')];
  await send('POST', '/v1/tenants', { id: mine, organisation: own });
  await send('POST', '/v1/tenants', { id: theirs, organisation: foreign });
  const admin = createClient(api.fetch, await api.token('tenant-admin', own));
  const nobody = createClient(api.fetch, await api.token('developer', own));
  const network = { id: 'n', ipv4Pool: '10.1.0.0/24' };
  assert.equal((await admin('POST', `/v1/tenants/${mine}/networks`, network)).status, 201);
  assert.deepEqual(await reasonOf(admin('GET', `/v1/tenants/${theirs}`)), [404, 'TENANT_NOT_FOUND']);
  const seen: { id: string; organisation: string }[] = (await admin('GET', '/v1/tenants?page.size=1000')).json.tenants;
  assert.ok(seen.some((tenant) => tenant.id === mine));
  assert.deepEqual([...new Set(seen.map(({ organisation }) => organisation))], [own]);
  assert.deepEqual(await reasonOf(admin('POST', '/v1/tenants', { id: id('new') })), [403, 'ROLE_MISSING']);
  assert.deepEqual(await reasonOf(admin('GET', '/v1/pops')), [403, 'ROLE_MISSING']);
  assert.deepEqual(await reasonOf(nobody('GET', `/v1/tenants/${mine}`)), [403, 'ROLE_MISSING']);
  for (const token of ['', 'x.y.z']) {
    const refused = await createClient(api.fetch, token)('GET', '/v1/tenants');
    assert.deepEqual([refused.status, refused.json.reason], [401, token === '' ? 'TOKEN_MISSING' : 'TOKEN_INVALID']);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
  }
};
