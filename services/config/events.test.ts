import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code, type ConnectError, createClient, createRouterTransport, type Interceptor } from '@connectrpc/connect';
import fc from 'fast-check';
import { fromEventMessage, toEventMessage } from '#model/event-message.ts';
import { EventSchema, EventService, type WatchEventsResponse } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { reasonOf } from '#services/api/errors.ts';
import { eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';
import { readEvents } from './testing/read-events.ts';

let installation: TestInstallation;
let copy: Copy;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  await copy.send('POST', '/v1/tenants', { id: 'mine', organisation: 'org-1' });
  await copy.send('POST', '/v1/tenants', { id: 'theirs', organisation: 'org-2' });
  for (const tenant of ['mine', 'theirs', 'mine']) {
    await copy.send('POST', `/v1/tenants/${tenant}/networks`, { ipv4Pool: '10.1.0.0/24' });
  }
  await eventually(async () => ((await readEvents(copy.nats)).length === 5 ? true : undefined), 'five events');
});
after(() => installation?.close());

const watcher = (token: string) => {
  const authorize: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const transport = createRouterTransport(copy.app.routes, {
    router: copy.app.rpcOptions,
    transport: { interceptors: [authorize] },
  });
  return createClient(EventService, transport);
};

const take = async (token: string, request: { tenant?: string; after?: bigint }, count: number) => {
  const abort = new AbortController();
  const taken: WatchEventsResponse[] = [];
  for await (const event of watcher(token).watchEvents(request, { signal: abort.signal })) {
    if (event.event !== undefined) taken.push(event);
    else assert.equal(taken.length, 0, 'only the first answer has no event');
    if (taken.length === count) break;
  }
  abort.abort();
  return taken;
};

test('a watch goes on from any position and sees only what it may', async () => {
  const all = await take(installation.operator, { after: 1n }, 4);
  assert.deepEqual(
    all.map(({ event }) => [event?.tenant, event?.data.case]),
    [
      ['theirs', 'tenantCreated'],
      ['mine', 'networkCreated'],
      ['theirs', 'networkCreated'],
      ['mine', 'networkCreated'],
    ],
  );
  const resumed = await take(installation.operator, { after: all[1]?.position ?? 0n }, 2);
  assert.deepEqual(resumed, all.slice(2));
  const admin = await installation.tokens.sign({ subject: 'ada', roles: ['tenant-admin'], organisation: 'org-1' });
  const own = await take(admin, { after: 1n }, 2);
  assert.deepEqual(
    own.map(({ event }) => event?.tenant),
    ['mine', 'mine'],
  );
  await assert.rejects(
    take(admin, { tenant: 'theirs', after: 1n }, 1),
    (error) => reasonOf(error as ConnectError) === 'TENANT_NOT_FOUND',
  );
});

test('new events come as they happen, also as server-sent events', async () => {
  const request = new Request('http://edge/v1/events?tenant=mine', {
    headers: { authorization: `Bearer ${installation.operator}` },
  });
  const response = await copy.app.fetch(request);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value ?? '', /^id: \d+\ndata: \{"position":"\d+"\}/);
  await copy.send('PATCH', '/v1/tenants/mine', { displayName: 'new' });
  assert.match((await reader.read()).value ?? '', /^id: \d+\ndata: \{.*"tenantUpdated"/);
  await reader.cancel();
});

test('a position that is no longer kept, or never was, is told', async () => {
  await assert.rejects(take(installation.operator, { after: 1_000_000n }, 1), (error) => {
    assert.deepEqual(
      [(error as ConnectError).code, reasonOf(error as ConnectError)],
      [Code.OutOfRange, 'POSITION_NOT_KEPT'],
    );
    return true;
  });
});

test('an event survives the way through NATS', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.string(), fc.constantFrom('pop', 'worker'), (id, actor, kind) => {
      fc.pre(actor.isWellFormed());
      const place = { meshAddress: '203.0.113.7', meshPort: 0, meshPin: '', member: 7 };
      const data =
        kind === 'pop'
          ? {
              case: 'popCreated' as const,
              value: {
                $typeName: 'cloudbridge.v1.Pop' as const,
                id: 'm',
                displayName: actor,
                latitude: 1.5,
                longitude: -3,
                addresses: ['198.51.100.1'],
                drain: false,
              },
            }
          : {
              case: 'workerDeleted' as const,
              value: {
                $typeName: 'cloudbridge.v1.Worker' as const,
                pop: 'm',
                id: 'w',
                drain: true,
                popDrain: false,
                ...place,
              },
            };
      const event = create(EventSchema, {
        id,
        tenant: '_system',
        actor,
        time: { seconds: 1_700_000_000n, nanos: 0 },
        data,
      });
      assert.deepEqual(fromEventMessage(toEventMessage(event)), event);
    }),
  );
  assert.equal(fromEventMessage({ subject: 'cb.events.a.b.c.d', body: '{}' }), undefined);
  assert.equal(fromEventMessage({ subject: 'cb.events.a.pop.created.d', body: '{' }), undefined);
});
