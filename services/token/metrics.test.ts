import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code } from '@connectrpc/connect';
import { connect } from '@nats-io/transport-node';
import { DeviceState } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { TokenService } from '#proto/gen/cloudbridge/v1/token_pb.ts';
import { listenAdmin } from '#services/api/admin.ts';
import { callAll } from '#services/api/testing/call-all.ts';
import { watchMetrics } from '#services/api/testing/watched-metrics.ts';
import { createTestTokens } from '#services/authn/testing/tokens.ts';
import { serveToken } from './node.ts';
import { createTestTokenService } from './testing/installation.ts';

const PER_MINUTE = 20;

const start = async () => {
  const tokens = await createTestTokens();
  const service = await createTestTokenService(tokens.verify);
  const nats = await connect({ servers: service.server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const { sealer, url: issuer } = service;
  const local = { host: '127.0.0.1', port: 0 };
  const report = (error: unknown): void => void service.reports.push(error);
  const app = { nats, sealer, verify: tokens.verify, issuer, tokensPerMinute: PER_MINUTE, report };
  const listener = await serveToken(app, local);
  const { meter } = listener;
  const admin = await listenAdmin({ ...local, service: 'token', nats, meter, isStopping: () => false });
  return {
    tokens,
    service,
    url: `http://127.0.0.1:${listener.port}`,
    metrics: watchMetrics(admin.port),
    close: async () => {
      await listener.close(0);
      await admin.close(0);
      await nats.close();
      await service.close();
    },
  };
};

test('every series is moved by what callers do and by what fails', async (t) => {
  const { tokens, service, url, metrics, close } = await start();
  t.after(close);
  const owner = await tokens.sign({ subject: 'olga', roles: [] });
  const operator = await tokens.sign({ subject: 'otto', roles: ['operator'] });
  const foreign = await tokens.sign({ subject: 'frank', roles: ['tenant-admin'], organisation: '200' });
  await service.putDevice({ id: 'laptop', owner: 'olga' });
  await service.putDevice({ id: 'lost', owner: 'olga', state: DeviceState.REVOKED });
  const post = async (path: string, token: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    return (await fetch(`${url}/v1/${path}`, { method: 'POST', headers, body: '{}' })).status;
  };
  const exchange = async (token: string): Promise<number> => {
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: 'urn:cloudbridge:device:acme/laptop',
    });
    return (await fetch(`${url}/v1/token`, { method: 'POST', body })).status;
  };
  const now = async (series: string) => (await metrics.read()).get(series);

  const issue = (device = 'laptop', token = owner) => post(`tenants/acme/devices/${device}/token`, token);
  assert.deepEqual([await issue(), await exchange(owner)], [200, 200]);
  assert.equal(await now('cloudbridge_tokens_issued_total'), 2);
  assert.deepEqual([await issue('none'), await issue('lost')], [404, 409]);
  assert.equal(await now('cloudbridge_tokens_refused_total{reason="not_found"}'), 1);
  assert.equal(await now('cloudbridge_tokens_refused_total{reason="revoked"}'), 1);
  // They count the same caller at once.
  const many = await Promise.all(Array.from({ length: PER_MINUTE }, () => issue()));
  assert.deepEqual([...new Set(many)].sort(), [200, 429]);
  const limited = many.filter((status) => status === 429).length;
  assert.equal(await now('cloudbridge_tokens_refused_total{reason="rate_limited"}'), limited);

  const revoke = (token: string) => post('tenants/acme/tokens/some-id/revoke', token);
  assert.deepEqual([await revoke(operator), await revoke(operator)], [204, 204]);
  assert.equal(await now('cloudbridge_tokens_revoked_total'), 1, 'the second time there is nothing to do');
  assert.deepEqual([await revoke(owner), await revoke(foreign)], [403, 404]);
  assert.equal(await exchange(await tokens.forge()), 400);
  assert.equal(await now('cloudbridge_api_refused_callers_total{reason="token_invalid"}'), 1);
  assert.equal(await revoke(await tokens.forge()), 401);
  assert.equal(await post('nothing', owner), 404);
  const refused = await callAll([TokenService], url, '');
  assert.deepEqual([...refused.values()], [Code.Unauthenticated, Code.Unauthenticated]);

  await service.config.commit([{ key: 'acme.device.damaged', value: Uint8Array.of(0xff) }]);
  assert.deepEqual([await issue('damaged', operator), await issue('damaged', operator)], [500, 500]);
  assert.equal(await now('cloudbridge_store_unreadable_records_total'), 1);
  assert.match(String(service.reports.splice(0)), /the record acme\.device\.damaged of cb_config cannot be read/);

  await service.server.kill();
  const failing = Promise.all([callAll([TokenService], url, operator), exchange(operator)]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await metrics.read();
  const [failed, exchanged] = await failing;
  assert.deepEqual([...failed.values(), exchanged], [Code.Unavailable, Code.Unavailable, 503]);
  await metrics.read();
  assert.deepEqual(metrics.unmoved(), []);
  assert.deepEqual(service.reports, []);
});
