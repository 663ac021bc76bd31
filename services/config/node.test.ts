import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { EventService } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { TenantService } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { reasonOf } from '#services/api/errors.ts';
import { type Listener, listen } from '#services/api/node.ts';
import { apiSuite } from './testing/api-suite.ts';
import { fetchAt } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let copy: Copy;
let clear: Listener;
let secure: Listener;
let folder: string;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  folder = mkdtempSync(join(tmpdir(), 'cloudbridge-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  clear = await listen(copy.app, { host: '127.0.0.1', port: 0 });
  secure = await listen(copy.app, { host: '127.0.0.1', port: 0, tls });
});
after(async () => {
  await Promise.all([clear?.close(1000), secure?.close(1000)]);
  await installation?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const transports = (): [string, Transport][] => {
  const nodeOptions = { rejectUnauthorized: false };
  return (['1.1', '2'] as const).flatMap((httpVersion) =>
    [`http://127.0.0.1:${clear.port}`, `https://localhost:${secure.port}`].flatMap((baseUrl): [string, Transport][] => {
      const options = { baseUrl, httpVersion, nodeOptions } as const;
      const name = `${baseUrl.split(':')[0]} HTTP/${httpVersion}`;
      return [
        [`Connect ${name}`, createConnectTransport(options)],
        [`gRPC-Web ${name}`, createGrpcWebTransport(options)],
        ...(httpVersion === '2' ? [[`gRPC ${name}`, createGrpcTransport(options)] as [string, Transport]] : []),
      ];
    }),
  );
};

test('every protocol on one port, in the clear and over TLS, with the same errors', async () => {
  const headers = { authorization: `Bearer ${installation.operator}` };
  for (const [i, [name, transport]] of transports().entries()) {
    const client: Client<typeof TenantService> = createClient(TenantService, transport);
    const tenant = await client.createTenant({ tenant: { id: `t${i}`, displayName: name } }, { headers });
    assert.equal(tenant.displayName, name);
    assert.match(tenant.meta?.etag ?? '', /^\d+$/);
    await assert.rejects(client.getTenant({ tenant: 'lost' }, { headers }), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.deepEqual([error.code, reasonOf(error)], [Code.NotFound, 'TENANT_NOT_FOUND'], name);
      return true;
    });
    await assert.rejects(client.getTenant({ tenant: 'lost' }), (error) => {
      assert.deepEqual(
        [(error as ConnectError).code, reasonOf(error as ConnectError)],
        [Code.Unauthenticated, 'TOKEN_MISSING'],
        name,
      );
      return true;
    });
  }
});

test('REST and the descriptions on the same port', async () => {
  const headers = { authorization: `Bearer ${installation.operator}` };
  const get = (path: string) => fetch(`http://127.0.0.1:${clear.port}${path}`, { headers });
  assert.equal((await get('/v1/tenants/t0')).status, 200);
  assert.equal((await get('/v1/nothing')).headers.get('content-type'), 'application/problem+json');
  assert.equal(((await (await get('/openapi.json')).json()) as { openapi: string }).openapi, '3.0.3');
  assert.equal(((await (await get('/openapi-3.1.json')).json()) as { openapi: string }).openapi, '3.1.0');
  assert.match(await (await get('/docs')).text(), /createDevice/);
});

const suite = apiSuite({
  fetch: (request) => fetchAt(`http://127.0.0.1:${clear.port}`)(request),
  token: (role, organisation) =>
    installation.tokens.sign({ subject: role, roles: [role], ...(organisation !== undefined && { organisation }) }),
  organisations: ['org-1', 'org-2'],
  prefix: '',
});
for (const { name, run } of suite) test(`on a port: ${name}`, run);

test('a preface that comes byte by byte, and one that is none', async () => {
  const send = async (parts: readonly string[]): Promise<string> => {
    const socket = net.connect(clear.port, '127.0.0.1');
    socket.setNoDelay(true);
    const answer = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        resolve(text);
      });
      socket.on('close', () => resolve(text));
    });
    for (const part of parts) await new Promise<void>((resolve) => socket.write(part, () => setImmediate(resolve)));
    const result = await answer;
    socket.destroy();
    return result;
  };
  assert.match(await send(['P', 'UT /v1/tenants HTTP/1.1\r\n', 'host: x\r\n\r\n']), /^HTTP\/1\.1 405/);
  // A SETTINGS frame (type 4) is the first that an HTTP/2 server says (RFC 9113 §3.4).
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
  assert.equal((await send([...preface])).charCodeAt(3), 4);
  assert.match(await send(['\x16\x03\x01']), /^HTTP\/1\.1 400/);
});

test('closing lets running calls end and ends streams', async () => {
  const listener = await listen(copy.app, { host: '127.0.0.1', port: 0 });
  const headers = { authorization: `Bearer ${installation.operator}` };
  const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${listener.port}` });
  const stream = createClient(EventService, transport).watchEvents({ after: 1n }, { headers });
  const events: unknown[] = [];
  const watching = (async () => {
    for await (const event of stream) events.push(event);
  })();
  const ended = watching.then(
    () => 'ended',
    () => 'cut',
  );
  const create = createClient(TenantService, transport).createTenant({ tenant: { id: 'last' } }, { headers });
  await create;
  await listener.close(10_000);
  assert.ok(['ended', 'cut'].includes(await ended));
  await assert.rejects(fetch(`http://127.0.0.1:${listener.port}/`));
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
