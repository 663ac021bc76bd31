import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createClient as createRpcClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { connect } from '@nats-io/transport-node';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { TenantService } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { apiSuite } from '#services/config/testing/api-suite.ts';
import { createClient, eventually, fetchAt, type Send } from '#services/config/testing/client.ts';
import { readEvents } from '#services/config/testing/read-events.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';

const PROJECT = 'cloudbridge';
let server: TestServer;
let issuer: Server;
let worker: ChildProcess;
let url: string;
let token: string;
let sign: Sign;
let send: Send;

type Sign = (role: string, organisation?: string) => Promise<string>;

/** An identity provider with one key. */
const startIssuer = async (): Promise<{ server: Server; issuer: string; sign: Sign }> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }];
  let at = '';
  const http = createServer((request, response) => {
    const metadata = { issuer: at, jwks_uri: `${at}/keys`, introspection_endpoint: `${at}/introspect` };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? { keys } : metadata));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  at = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const sign: Sign = (role, organisation = 'org-1') =>
    new SignJWT({ 'urn:zitadel:iam:org:project:roles': { [role]: { [organisation]: 'edge.test' } } })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(at)
      .setAudience(PROJECT)
      .setSubject(role)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  return { server: http, issuer: at, sign };
};

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
  const identity = await startIssuer();
  ({ server: issuer, sign } = identity);
  token = await sign('operator');
  const started = await startWorker({
    NATS_URL: server.websocketUrl,
    IDENTITY_ISSUER: identity.issuer,
    IDENTITY_PROJECT: PROJECT,
    IDENTITY_OPERATOR_ORGANISATION: 'org-1',
  });
  ({ child: worker, url } = started);
  send = createClient(fetchAt(url), token);
});
after(async () => {
  // wrangler starts workerd in the same process group.
  if (worker?.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGTERM');
  issuer?.close();
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
  token: (role, organisation) => sign(role, organisation),
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
