import assert from 'node:assert/strict';
import { type Case, reasonOf } from './case.ts';

export const etagsAndMasks = async ({ send, id }: Case): Promise<void> => {
  await send('POST', '/v1/tenants', { id: id('edit'), displayName: 'One' });
  const created = { id: 'n', displayName: 'N', ipv4Pool: '10.1.0.0/24', egress: true };
  const network = await send('POST', `/v1/tenants/${id('edit')}/networks`, created);
  const path = `/v1/tenants/${id('edit')}/networks/n`;
  const match = { 'if-match': network.headers.get('etag') as string };
  const changed = await send('PATCH', path, { displayName: 'M' }, match);
  assert.deepEqual([changed.status, changed.json.displayName, changed.json.egress], [200, 'M', true]);
  assert.deepEqual(await reasonOf(send('PATCH', path, { displayName: 'X' }, match)), [412, 'ETAG_MISMATCH']);
  assert.deepEqual(await reasonOf(send('DELETE', path, undefined, match)), [412, 'ETAG_MISMATCH']);
  assert.equal((await send('PATCH', path, { egress: false })).json.egress, undefined, 'named and false: cleared');
  assert.equal((await send('PATCH', path, { displayName: '' })).json.displayName, undefined);
  assert.deepEqual(await reasonOf(send('PATCH', path, { ipv4Pool: '10.2.0.0/24' })), [400, 'FIELD_IS_FIXED']);
  const whole = (await send('GET', path)).json;
  const written = await send('PATCH', path, { ...whole, displayName: 'W' });
  assert.equal(written.json.displayName, 'W', 'read, change, write back');
};

export const keysOfRequests = async ({ send, id }: Case): Promise<void> => {
  const networks = `/v1/tenants/${id('idem')}/networks`;
  await send('POST', '/v1/tenants', { id: id('idem') });
  const key = { 'idempotency-key': id('k-1') };
  const body = { displayName: 'N', ipv4Pool: '10.1.0.0/24' };
  const answers = await Promise.all([1, 2, 3].map(() => send('POST', networks, body, key)));
  for (const { status, json, headers } of answers) {
    assert.equal(status, 201);
    // An id that the service makes up differs with every call unless the answer is a replay.
    assert.deepEqual([json, headers.get('etag')], [answers[0]?.json, answers[0]?.headers.get('etag')]);
  }
  assert.equal((await send('GET', networks)).json.networks.length, 1);
  const read = await send('GET', `${networks}/${answers[0]?.json.id}`);
  assert.deepEqual(read.json, answers[0]?.json, 'the replayed etag is the stored one');
  const other = send('POST', networks, { ...body, displayName: 'M' }, key);
  assert.deepEqual(await reasonOf(other), [409, 'IDEMPOTENCY_KEY_REUSED']);
  const path = `${networks}/${read.json.id}`;
  const again = { 'idempotency-key': id('k-2') };
  for (let i = 0; i < 2; i++) assert.equal((await send('DELETE', path, undefined, again)).status, 204);
};

export const pages = async ({ send, id }: Case): Promise<void> => {
  const networks = `/v1/tenants/${id('pages')}/networks`;
  await send('POST', '/v1/tenants', { id: id('pages') });
  await send('POST', '/v1/tenants', { id: id('none') });
  for (let i = 0; i < 5; i++) await send('POST', networks, { id: `n${i}`, ipv4Pool: '10.1.0.0/24' });
  const seen: string[] = [];
  let token = '';
  do {
    const { json } = await send('GET', `${networks}?page.size=2&page.token=${token}`);
    seen.push(...json.networks.map((network: { id: string }) => network.id));
    token = json.nextPageToken ?? '';
    if (token === '') continue;
    const elsewhere = send('GET', `/v1/tenants/${id('none')}/networks?page.token=${token}`);
    assert.deepEqual(await reasonOf(elsewhere), [400, 'PAGE_TOKEN_INVALID']);
  } while (token !== '');
  assert.deepEqual(seen, ['n0', 'n1', 'n2', 'n3', 'n4']);
  assert.deepEqual(await reasonOf(send('GET', `${networks}?page.token=x`)), [400, 'PAGE_TOKEN_INVALID']);
};

export const badFields = async ({ send, id }: Case): Promise<void> => {
  const bad = await send('POST', '/v1/tenants', { id: 'Not-An-Id', displayName: 'x'.repeat(101) });
  assert.deepEqual(
    [bad.status, bad.json.violations.map(({ field }: { field: string }) => field)],
    [400, ['tenant.id', 'tenant.display_name']],
  );
  await send('POST', '/v1/tenants', { id: id('bad') });
  const pool = await send('POST', `/v1/tenants/${id('bad')}/networks`, { id: 'n', ipv4Pool: '8.8.8.0/24' });
  assert.deepEqual([pool.status, pool.json.violations[0].field], [400, 'network.ipv4_pool']);
};
