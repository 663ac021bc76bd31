import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Code } from '@connectrpc/connect';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Bucket } from '#model/names.ts';
import { type WatchedMetrics, watchMetrics } from '#services/api/testing/watched-metrics.ts';
import type { Workerd } from '#services/api/workerd.ts';
import { startIssuer, type TestIssuer } from '#services/authn/testing/issuer.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import { generateRevisionKey } from '#services/config/revision-key.ts';
import { type Serving, serveConfig } from '#services/config/serve.ts';
import { allFail, callEverything } from '#services/config/testing/call-everything.ts';
import { createClient, eventually, fetchAt } from '#services/config/testing/client.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';
import { startEdge } from './edge.ts';

let server: TestServer;
let identity: TestIssuer;
let nats: NatsConnection;
/** A copy in Node beside, which publishes revisions. */
let beside: Serving;
let edge: Workerd;
let url: string;
let metrics: WatchedMetrics;

before(async () => {
  server = await startNatsServer();
  identity = await startIssuer();
  nats = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  await ensureStreams(nats, { replicas: 1 });
  const { issuer, project } = identity;
  const local = { host: '127.0.0.1', port: 0 };
  beside = await serveConfig({
    nats,
    verify: createVerifier({ issuer, project, operatorOrganisation: 'org-1' }),
    listen: local,
    admin: local,
    revisionKey: JSON.stringify(await generateRevisionKey()),
    tokenIssuer: 'https://edge.test',
    // It fails while the test has the server down.
    report: () => undefined,
  });
  const config = {
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    nats: { url: server.websocketUrl },
    identity: { issuer, project, operator_organisation: 'org-1' },
  };
  edge = await startEdge(config, () => undefined);
  url = `http://127.0.0.1:${edge.port}`;
  metrics = watchMetrics(edge.adminPort);
});
after(async () => {
  edge?.kill('SIGKILL');
  await edge?.ended;
  await beside?.close(1000);
  await nats?.close();
  identity?.close();
  await server?.close();
});

const admin = async (path: string, init?: RequestInit): Promise<[number, string]> => {
  const response = await fetch(`http://127.0.0.1:${edge.adminPort}${path}`, init);
  return [response.status, await response.text()];
};

test('it is ready before anybody called, and shows every series from the start', async () => {
  const at = await metrics.read();
  assert.equal(at.get('cloudbridge_nats_connected_count'), 0, 'it connects when it is first called');
  assert.equal(at.get('cloudbridge_api_requests_total{route="TenantService/ListTenants",outcome="ok"}'), 0);
  assert.deepEqual(await admin('/healthz'), [200, 'ok\n']);
  assert.deepEqual(await admin('/readyz?verbose'), [200, 'ready\n']);
  assert.equal((await metrics.read()).get('cloudbridge_nats_connected_count'), 1);
  assert.deepEqual(await admin('/healthz', { method: 'POST' }), [405, 'only GET\n']);
  assert.equal((await admin('/v1/tenants'))[0], 404, 'the API is not there');
});

test('where the API is, nothing of it is to be had', async () => {
  const unserved = async () => (await metrics.read()).get('cloudbridge_api_unserved_requests_total') ?? 0;
  const before = await unserved();
  const paths = ['/metrics', '/readyz', '/healthz', '/admin', '/admin/metrics', '//metrics', '/v1/../metrics'];
  for (const path of paths) {
    const answer = await fetch(`${url}${path}`, { headers: { host: `127.0.0.1:${edge.adminPort}` } });
    assert.equal(answer.status, 404, path);
    assert.doesNotMatch(await answer.text(), /cloudbridge_/);
  }
  assert.equal((await unserved()) - before, paths.length);
});

test('a watch counts as running until an event finds its caller gone', async () => {
  const headers = { authorization: `Bearer ${await identity.sign('operator')}` };
  const gone = new AbortController();
  const { body } = await fetch(`${url}/v1/events`, { headers, signal: gone.signal });
  await body?.getReader().read();
  const shown = async () => (await metrics.read()).get('cloudbridge_api_watch_streams_count');
  assert.equal(await shown(), 1);
  gone.abort();
  const send = createClient(fetchAt(url), await identity.sign('operator'));
  let count = 0;
  const ended = async () => {
    // workerd notices that nobody reads when there is something to be written.
    await send('POST', '/v1/tenants', { id: `w-${count++}` });
    return (await shown()) === 0 || undefined;
  };
  await eventually(ended, 'the watch has ended');
});

test('every series is moved by what callers do and by what fails, but those of revisions and sites, which others publish and tell of', async () => {
  const operator = await identity.sign('operator');
  await callEverything(url, { token: identity.sign, organisations: ['org-1', 'org-2'], prefix: 'e-' });
  await jetstream(nats).publish(`$KV.${Bucket.config}._system.tenant.bad`, Uint8Array.of(0xff));
  assert.equal((await createClient(fetchAt(url), operator)('GET', '/v1/tenants')).status, 200);
  await metrics.read();
  await server.kill();
  await eventually(
    async () => (await metrics.read()).get('cloudbridge_nats_connected_count') === 0 || undefined,
    'it sees that NATS is away',
  );
  assert.deepEqual(await admin('/readyz'), [503, 'NATS cannot be reached\n']);
  assert.deepEqual(await admin('/healthz'), [200, 'ok\n']);
  const failing = allFail(url, operator, Code.Unavailable);
  await metrics.read();
  await failing;
  await server.start();
  const send = createClient(fetchAt(url), operator);
  await eventually(async () => ((await send('GET', '/v1/tenants')).status === 200 ? true : undefined), 'it is back');
  assert.deepEqual(await admin('/readyz'), [200, 'ready\n']);
  assert.equal((await metrics.read()).get('cloudbridge_nats_connected_count'), 1);
  assert.deepEqual(metrics.unmoved(), [
    'cloudbridge_config_revisions_total{outcome="published"}',
    'cloudbridge_config_revisions_total{outcome="failed"}',
    'cloudbridge_config_site_events_total{event="up"}',
    'cloudbridge_config_site_events_total{event="failover"}',
    'cloudbridge_config_site_events_total{event="down"}',
    'cloudbridge_config_sites_count{state="up"}',
    'cloudbridge_config_sites_count{state="down"}',
    'cloudbridge_config_held_site_events_count',
  ]);
});
