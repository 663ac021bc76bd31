import assert from 'node:assert/strict';
import { Code } from '@connectrpc/connect';
import { callAll } from '#services/api/testing/call-all.ts';
import { CONFIG_SERVICES } from '../app.ts';
import { apiSuite } from './api-suite.ts';
import { createClient, eventually, fetchAt } from './client.ts';
import type { ApiUnderTest } from './suite/case.ts';

/** Of all RPCs. */
export const METHODS = CONFIG_SERVICES.flatMap((service) => service.methods);

/** Calls every RPC of an API with success, and each without a token. Somebody has to publish revisions meanwhile. */
export const callEverything = async (url: string, api: Omit<ApiUnderTest, 'fetch'>): Promise<void> => {
  const { prefix } = api;
  const send = createClient(fetchAt(url), await api.token('operator'));
  for (const { run } of apiSuite({ ...api, fetch: fetchAt(url) })) await run();
  // What the suite does not call.
  await eventually(async () => (await send('GET', '/v1/revisions/1')).status === 200 || undefined, 'a first revision');
  // Another one may be published meanwhile.
  const force = async () => {
    const { revisions } = (await send('GET', '/v1/revisions?page.size=1000')).json;
    const newest = Math.max(...revisions.map(({ number }: { number: string }) => Number(number)));
    return (await send('POST', `/v1/revisions/${newest}/force`, { reason: 'test' })).status === 200 || undefined;
  };
  await eventually(force, 'the newest revision is forced');
  await send('POST', '/v1/pops', { id: 'oslo' });
  await send('POST', '/v1/pops/oslo/workers', { id: 'w1' });
  await send('PATCH', '/v1/pops/oslo/workers/w1', { meshAddress: '192.0.2.9' });
  for (const path of ['/v1/pops', '/v1/pops/oslo', '/v1/pops/oslo/workers', '/v1/pops/oslo/workers/w1'])
    assert.equal((await send('GET', path)).status, 200, path);
  const device = await send('GET', `/v1/tenants/${prefix}many/devices/d1`);
  const renamed = await send('PATCH', `/v1/tenants/${prefix}many/devices/d1`, { ...device.json, displayName: 'D' });
  assert.equal(renamed.status, 200, JSON.stringify(renamed.json));
  assert.equal((await send('GET', `/v1/tenants/${prefix}many`)).status, 200);
  const tenant = await send('PATCH', `/v1/tenants/${prefix}many`, { displayName: 'M' });
  assert.equal(tenant.status, 200, JSON.stringify(tenant.json));
  await allFail(url, '', Code.Unauthenticated);
};

/** Calls every RPC, and expects this code of each. */
export const allFail = async (url: string, token: string, code: Code): Promise<void> => {
  const failed = await callAll(CONFIG_SERVICES, url, token);
  assert.deepEqual([...new Set(failed.values())], [code]);
  assert.equal(failed.size, METHODS.length);
};
