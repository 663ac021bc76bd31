import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import fc from 'fast-check';
import { DeviceSchema, DeviceService } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { EventService } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { BadRequestSchema, ErrorInfoSchema } from '#proto/gen/google/rpc/error_details_pb.ts';
import { createRpcFetch } from './connect-fetch.ts';
import { createRest } from './rest.ts';

const seen: unknown[] = [];

const rpc = createRpcFetch(
  (router) => {
    router.service(DeviceService, {
      getDevice: ({ tenant, device }) => {
        if (device === 'lost') {
          const error = new ConnectError('device "lost" does not exist', Code.NotFound);
          error.details.push({ desc: ErrorInfoSchema, value: { reason: 'DEVICE_NOT_FOUND', domain: 'cloudbridge' } });
          throw error;
        }
        return create(DeviceSchema, { tenant, id: device, meta: { etag: '7' } });
      },
      listDevices: (request) => {
        seen.push(request.page?.size);
        return { devices: [], nextPageToken: `${request.page?.token}+` };
      },
      createDevice: (request, context) => {
        seen.push(context.requestHeader.get('idempotency-key'));
        const error = new ConnectError('bad', Code.InvalidArgument);
        error.details.push({
          desc: BadRequestSchema,
          value: { fieldViolations: [{ field: 'device.id', description: 'too long' }] },
        });
        if (request.device?.id === 'bad') throw error;
        const device = request.device ?? create(DeviceSchema);
        device.tenant = request.tenant;
        return device;
      },
      updateDevice: (request) => {
        if (request.etag !== '7') throw new ConnectError('changed meanwhile', Code.Aborted);
        return request.device ?? create(DeviceSchema);
      },
      deleteDevice: () => ({}),
    });
    router.service(EventService, {
      watchEvents: async function* ({ after, tenant }) {
        for (let i = 1n; i <= 3n; i++) yield { event: { id: `${tenant}${i}` }, position: after + i };
        throw new ConnectError('over', Code.Unavailable);
      },
    });
  },
  { connect: true, grpcWeb: true },
);
const rest = createRest({
  services: [DeviceService, EventService],
  rpc: async (request) => (await rpc(request)) ?? new Response(null, { status: 500 }),
  maxBodyBytes: 1000,
});

const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const response = await rest(
    new Request(`http://edge${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
  assert.ok(response, `${method} ${path} is a route`);
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
};

test('reads come with an ETag, and 304 when the caller has it', async () => {
  const found = await send('GET', '/v1/tenants/acme/devices/a%20b');
  assert.deepEqual([found.status, found.headers.get('etag')], [200, '"7"']);
  assert.deepEqual(found.json, { tenant: 'acme', id: 'a b', meta: { etag: '7' } });
  assert.equal((await send('GET', '/v1/tenants/acme/devices/a', undefined, { 'if-none-match': '"7"' })).status, 304);
  assert.equal((await send('HEAD', '/v1/tenants/acme/devices/a')).text, '');
});

test('query parameters, bodies, headers and conditions reach the RPC', async () => {
  assert.equal((await send('GET', '/v1/tenants/acme/devices?page.size=5&page.token=x')).json.nextPageToken, 'x+');
  assert.equal(seen.pop(), 5);
  const made = await send(
    'POST',
    '/v1/tenants/acme/devices',
    { id: 'a', displayName: 'A' },
    { 'idempotency-key': 'k' },
  );
  assert.deepEqual([made.status, made.json], [201, { tenant: 'acme', id: 'a', displayName: 'A' }]);
  assert.equal(seen.pop(), 'k');
  assert.equal((await send('PATCH', '/v1/tenants/acme/devices/a', {}, { 'if-match': '"7"' })).json.id, 'a');
  assert.equal((await send('PATCH', '/v1/tenants/acme/devices/a', {}, { 'if-match': '"8"' })).status, 412);
  assert.equal((await send('PATCH', '/v1/tenants/acme/devices/a', {})).status, 409);
  assert.deepEqual([(await send('DELETE', '/v1/tenants/acme/devices/a')).status], [204]);
});

test('errors are problems with the reason that gRPC has', async () => {
  const lost = await send('GET', '/v1/tenants/acme/devices/lost');
  assert.equal(lost.headers.get('content-type'), 'application/problem+json');
  assert.deepEqual(lost.json, {
    type: 'about:blank',
    title: 'Not found',
    status: 404,
    detail: 'device "lost" does not exist',
    reason: 'DEVICE_NOT_FOUND',
  });
  const bad = await send('POST', '/v1/tenants/acme/devices', { id: 'bad' });
  assert.deepEqual(bad.json.violations, [{ field: 'device.id', description: 'too long' }]);
  const method = await send('PUT', '/v1/tenants/acme/devices/a', {});
  assert.deepEqual([method.status, method.headers.get('allow')], [405, 'GET, PATCH, DELETE']);
  assert.equal(await rest(new Request('http://edge/v1/nothing')), undefined);
});

test('requests of the wrong shape are named', async () => {
  const cases: [number, string, string, unknown?, Record<string, string>?][] = [
    [400, 'GET', '/v1/tenants/acme/devices?color=red'],
    [400, 'GET', '/v1/tenants/acme/devices?page.size=5&page.size=6'],
    [400, 'GET', '/v1/tenants/acme/devices?page.size=many'],
    [400, 'GET', '/v1/tenants/acme/devices?page=1'],
    [400, 'POST', '/v1/tenants/acme/devices?page.size=1', { id: 'a' }],
    [400, 'POST', '/v1/tenants/acme/devices', '{'],
    [400, 'POST', '/v1/tenants/acme/devices', '[]'],
    [400, 'POST', '/v1/tenants/acme/devices', { color: 'red' }],
    [400, 'PATCH', '/v1/tenants/acme/devices/a', { id: 'b' }],
    [413, 'POST', '/v1/tenants/acme/devices', { id: 'x'.repeat(1000) }],
    [415, 'POST', '/v1/tenants/acme/devices', '{}', { 'content-type': 'text/plain' }],
  ];
  for (const [status, method, path, body, headers] of cases) {
    const answer = await send(method, path, body, headers);
    assert.equal(answer.status, status, `${method} ${path} ${answer.text}`);
    assert.ok(answer.json.detail.length > 5);
  }
});

test('a stream comes as server-sent events and ends with its error', async () => {
  const { text, headers } = await send('GET', '/v1/events?tenant=acme&after=10');
  assert.equal(headers.get('content-type'), 'text/event-stream');
  const events = text.trim().split('\n\n');
  assert.equal(events.length, 4);
  assert.match(events[0] as string, /^id: 11\ndata: \{.*"acme1"/);
  assert.match(events[3] as string, /^event: error\ndata: .*unavailable/);
});

test('any path, query and body get an answer', async () => {
  const path = fc.array(fc.constantFrom('v1', 'tenants', 'a', '%ff', '%2e', '..', '', 'devices', 'events'), {
    maxLength: 7,
  });
  await fc.assert(
    fc.asyncProperty(
      path,
      fc.string(),
      fc.json(),
      fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE'),
      async (parts, query, body, method) => {
        const request = new Request(`http://edge/${parts.join('/')}?${encodeURI(query).replaceAll('#', '')}`, {
          method,
          ...(method !== 'GET' && { body, headers: { 'content-type': 'application/json' } }),
        });
        const response = await rest(request);
        if (response !== undefined) assert.ok(response.status < 500, `${request.url} ${response.status}`);
        await response?.body?.cancel();
      },
    ),
    { numRuns: 300 },
  );
});
