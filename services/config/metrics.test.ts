import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Bucket, ConfigKey, StatusKey } from '#model/names.ts';
import { Health, PresenceSchema, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { SiteToldSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { TunnelState } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { type WatchedMetrics, watchMetrics } from '#services/api/testing/watched-metrics.ts';
import { Store } from '#services/store/store.ts';
import { generateRevisionKey } from './revision-key.ts';
import { type Serving, serveConfig } from './serve.ts';
import { allFail, callEverything } from './testing/call-everything.ts';
import { createClient, eventually, fetchAt } from './testing/client.ts';
import { createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let nats: NatsConnection;
let serving: Serving;
let url: string;
let metrics: WatchedMetrics;

before(async () => {
  installation = await createTestInstallation();
  nats = await connect({ servers: installation.server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const local = { host: '127.0.0.1', port: 0 };
  serving = await serveConfig({
    nats,
    verify: installation.tokens.verify,
    listen: local,
    admin: local,
    revisionKey: JSON.stringify(await generateRevisionKey()),
    tokenIssuer: 'https://edge.test',
    // It fails while a test has the server down.
    report: () => undefined,
  });
  url = `http://127.0.0.1:${serving.port}`;
  metrics = watchMetrics(serving.adminPort);
});
after(async () => {
  await serving?.close(1000);
  await nats?.close();
  await installation?.close();
});

const requests = (route: string, outcome: string): string =>
  `cloudbridge_api_requests_total{route="${route}",outcome="${outcome}"}`;

test('a request counts once, by its method, however it came; what has no route counts apart', async () => {
  const send = createClient(fetchAt(url), installation.operator);
  const before = await metrics.read();
  const change = async (series: string) => ((await metrics.read()).get(series) ?? 0) - (before.get(series) ?? 0);
  assert.equal((await send('POST', '/v1/tenants', { id: 'once' })).status, 201);
  assert.equal((await send('POST', '/cloudbridge.v1.TenantService/GetTenant', { tenant: 'once' })).status, 200);
  assert.equal((await send('GET', '/v1/tenants/once')).status, 200);
  assert.equal((await send('GET', '/v1/tenants/never')).status, 404);
  assert.equal(await change(requests('TenantService/CreateTenant', 'ok')), 1);
  assert.equal(await change(requests('TenantService/GetTenant', 'ok')), 2);
  assert.equal(await change(requests('TenantService/GetTenant', 'client_error')), 1);
  assert.equal(await change('cloudbridge_api_duration_seconds_count{route="TenantService/GetTenant"}'), 3);
  const unserved = 'cloudbridge_api_unserved_requests_total';
  assert.equal(await change(unserved), 0);
  assert.equal((await send('GET', '/v1/nowhere')).status, 404);
  assert.equal((await send('PUT', '/v1/tenants')).status, 405);
  assert.equal((await send('POST', '/v1/tenants', { no: 'field' })).status, 400);
  assert.equal((await send('POST', '/cloudbridge.v1.TenantService/GetTenant', ['no object'])).status, 400);
  assert.equal(await change(unserved), 4);
  assert.equal((await metrics.read()).get('cloudbridge_api_running_requests_count'), 0);
});

const total = async (): Promise<number> =>
  [...(await metrics.read())]
    .filter(([series]) => /^cloudbridge_api_(requests|unserved_requests)_total/.test(series))
    .reduce((sum, [, value]) => sum + value, 0);

for (const [what, path, type, body] of [
  ['no protobuf', 'TenantService/GetTenant', 'application/proto', '\xff'],
  ['no JSON', 'TenantService/GetTenant', 'application/json', '{'],
  ['gRPC-Web without a message', 'TenantService/GetTenant', 'application/grpc-web+proto', ''],
  ['gRPC-Web with no protobuf', 'TenantService/GetTenant', 'application/grpc-web+proto', '\0\0\0\0\x01\x7f'],
  ['a watch with no JSON', 'EventService/WatchEvents', 'application/connect+json', '\0\0\0\0\x01{'],
  ['a watch that is cut', 'EventService/WatchEvents', 'application/connect+json', '\0\0\0\0\x09{'],
  ['another type', 'TenantService/GetTenant', 'text/plain', 'x'],
] as const) {
  test(`a request that cannot be read counts once: ${what}`, async () => {
    const before = await total();
    const headers = { 'content-type': type, authorization: `Bearer ${installation.operator}` };
    const request = { method: 'POST', headers, body: Buffer.from(body, 'latin1') };
    await (await fetch(`${url}/cloudbridge.v1.${path}`, request)).text();
    assert.equal((await total()) - before, 1);
  });
}

test('a watch counts as running until its caller goes', async () => {
  const headers = { authorization: `Bearer ${installation.operator}` };
  const gone = new AbortController();
  const { body } = await fetch(`${url}/v1/events`, { headers, signal: gone.signal });
  await body?.getReader().read();
  const shown = async () =>
    ['cloudbridge_api_watch_streams_count', 'cloudbridge_api_running_requests_count'].map(
      async (name) => (await metrics.read()).get(name) ?? -1,
    );
  assert.deepEqual(await Promise.all(await shown()), [1, 1]);
  gone.abort();
  const ended = async () => (await Promise.all(await shown())).every((value) => value === 0) || undefined;
  await eventually(ended, 'the watch has ended');
});

/** Sites of which each kind of event is due, and one that has had too many. */
const sitesChange = async (): Promise<void> => {
  const [config, status] = [await Store.open(nats, Bucket.config), await Store.open(nats, Bucket.status)];
  const told = (site: string, device: string, paidUntilMs = 0) => {
    const value = toBinary(SiteToldSchema, create(SiteToldSchema, { device, paidUntilMs: BigInt(paidUntilMs) }));
    return { key: ConfigKey.site('acme', site), value };
  };
  const reported = (site: string) => {
    const presence = {
      tenant: 'acme',
      device: site,
      pop: 'oslo',
      worker: 'w1',
      site: { site, state: TunnelState.REACHED },
    };
    const key = StatusKey.site('acme', site, 'oslo', 'w1');
    return { key, value: toBinary(PresenceSchema, create(PresenceSchema, presence)) };
  };
  await config.commit([told('over', 'other'), told('down', 'gone'), told('held', '', Date.now() + 3_600_000)]);
  for (const site of ['up', 'over', 'held']) await status.commit([reported(site)]);
  const worker = { pop: 'oslo', worker: 'w1', health: Health.SERVING };
  const says = async () => {
    const value = toBinary(WorkerStatusSchema, create(WorkerStatusSchema, worker));
    await status.commit([{ key: StatusKey.worker('oslo', 'w1'), value }]);
    const seen = await metrics.read();
    const due = ['events_total{event="up"}', 'events_total{event="failover"}', 'events_total{event="down"}'];
    return due.every((name) => (seen.get(`cloudbridge_config_site_${name}`) ?? 0) > 0) || undefined;
  };
  await eventually(says, 'sites change', 60_000);
};

test('every series is moved by what callers do and by what fails', async () => {
  const { tokens, operator, server } = installation;
  const token = (role: string, organisation?: string) =>
    tokens.sign({ subject: role, roles: [role], ...(organisation !== undefined && { organisation }) });
  await callEverything(url, { token, organisations: ['100', '200'], prefix: 'm-' });
  await sitesChange();
  await jetstream(nats).publish(`$KV.${Bucket.config}._system.tenant.bad`, Uint8Array.of(0xff));
  await (await fetch(`${url}/v1/tenants`, { headers: { authorization: `Bearer ${operator}` } })).text();
  await metrics.read();
  await server.kill();
  const failing = allFail(url, operator, Code.Unavailable);
  await metrics.read();
  await failing;
  const failures = 'cloudbridge_config_revisions_total{outcome="failed"}';
  await eventually(async () => ((await metrics.read()).get(failures) ?? 0) > 0 || undefined, 'no revision is seen');
  assert.equal((await metrics.read()).get('cloudbridge_nats_connected_count'), 0);
  await server.start();
  const connected = async () => (await metrics.read()).get('cloudbridge_nats_connected_count') === 1 || undefined;
  await eventually(connected, 'NATS is back');
  assert.deepEqual(metrics.unmoved(), []);
});
