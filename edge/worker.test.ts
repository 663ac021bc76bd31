import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { createClient as createRpcClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { connect } from '@nats-io/transport-node';
import { TenantService } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { startIssuer, type TestIssuer } from '#services/authn/testing/issuer.ts';
import { apiSuite } from '#services/config/testing/api-suite.ts';
import { createClient, eventually, fetchAt, type Send } from '#services/config/testing/client.ts';
import { readEvents } from '#services/config/testing/read-events.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';

let server: TestServer;
let identity: TestIssuer;
let worker: ChildProcess;
let url: string;
let token: string;
let send: Send;

/** Starts the Worker in workerd, offline. */
const startWorker = async (
  variables: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; url: string }> => {
  const args = [
    'dev',
    '--local',
    '--config',
    'wrangler.toml',
    '--port',
    '0',
    '--inspector-port',
    '0',
    '--show-interactive-dev-session=false',
  ];
  for (const [name, value] of Object.entries(variables)) args.push('--var', `${name}:${value}`);
  const quiet = { CI: '1', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };
  const child = spawn(process.execPath, ['node_modules/wrangler/bin/wrangler.js', ...args], {
    env: { ...process.env, ...quiet },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const ready = new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(output);
      if (found?.[1] !== undefined) resolve(found[1]);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', () => reject(new Error(`wrangler ended: ${output}`)));
  });
  return { child, url: await ready };
};

before(async () => {
  server = await startNatsServer();
  const nats = await connect({ servers: server.url });
  await ensureStreams(nats, { replicas: 1 });
  await nats.close();
  identity = await startIssuer();
  token = await identity.sign('operator');
  const started = await startWorker({
    NATS_URL: server.websocketUrl,
    IDENTITY_ISSUER: identity.issuer,
    IDENTITY_PROJECT: identity.project,
    IDENTITY_OPERATOR_ORGANISATION: 'org-1',
  });
  ({ child: worker, url } = started);
  send = createClient(fetchAt(url), token);
});
after(async () => {
  // wrangler starts workerd in the same process group.
  if (worker?.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGTERM');
  identity?.close();
  await server?.close();
});

test('a tenant is made through the edge by REST, Connect and gRPC-Web, and its events flow', async () => {
  const made = await send('POST', '/v1/tenants', { id: 'rest' });
  assert.deepEqual([made.status, made.json.id], [201, 'rest'], JSON.stringify(made.json));
  const headers = { authorization: `Bearer ${token}` };
  const options = { baseUrl: url, httpVersion: '1.1' } as const;
  for (const [id, transport] of [
    ['connect', createConnectTransport(options)],
    ['grpc-web', createGrpcWebTransport(options)],
  ] as const) {
    const client = createRpcClient(TenantService, transport);
    assert.equal((await client.createTenant({ tenant: { id } }, { headers })).id, id);
  }
  const { json } = await send('GET', '/v1/tenants');
  assert.deepEqual(
    json.tenants.map(({ id }: { id: string }) => id),
    ['rest', 'connect', 'grpc-web'],
  );
  assert.equal((await fetch(`${url}/v1/tenants`)).status, 401);
  const nats = await connect({ servers: server.url });
  await eventually(async () => ((await readEvents(nats)).length === 3 ? true : undefined), 'three events');
  await nats.close();
});

const suite = apiSuite({
  fetch: (request) => fetchAt(url)(request),
  token: (role, organisation) => identity.sign(role, organisation),
  organisations: ['org-1', 'org-2'],
  prefix: 'x',
});
for (const { name, run } of suite) test(`at the edge: ${name}`, run);

test('without NATS the edge says so, and comes back with it', async () => {
  await server.kill();
  const away = await send('GET', '/v1/tenants');
  assert.deepEqual([away.status, away.json.reason], [503, 'STORE_UNAVAILABLE']);
  await server.start();
  await eventually(async () => ((await send('GET', '/v1/tenants')).status === 200 ? true : undefined), 'it is back');
});
