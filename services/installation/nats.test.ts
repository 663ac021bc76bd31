import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { credsAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Control } from '#control/control.ts';
import { inboxPrefix, type NatsRole } from '#model/nats/roles.ts';
import { DeviceSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { Health } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { findNatsServer } from '#scripts/setup/nats-server.mjs';
import { eventually } from '#services/config/testing/client.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { Store } from '#services/store/store.ts';
import { type CreatedNats, createCredentials, createNats } from './nats.ts';

let folder: string;
let created: CreatedNats;
let server: ChildProcess;
let url: string;
let services: NatsConnection;
const open: NatsConnection[] = [];

const joinAs = async (role: NatsRole): Promise<NatsConnection> => {
  const creds = await readFile(await createCredentials(folder, role));
  const nats = await connect({
    servers: url,
    authenticator: credsAuthenticator(new Uint8Array(creds)),
    inboxPrefix: inboxPrefix(role),
    tls: { ca: await readFile(created.ca, 'utf8') },
    reconnect: false,
  });
  open.push(nats);
  return nats;
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-nats-roles-'));
  const anyPort = { port: -1, websocketPort: -1, leafPort: -1 };
  created = await createNats({ folder, host: '127.0.0.1', ...anyPort, names: ['localhost'], addresses: ['127.0.0.1'] });
  const found = findNatsServer();
  assert.ok(found, 'nats-server is missing: run npm test once, or put it on PATH');
  server = spawn(found.file, ['-c', created.config], { env: created.environment, stdio: 'ignore' });
  const ports = join(folder, `${found.file.split('/').at(-1)}_${server.pid}.ports`);
  for (let tries = 0; url === undefined; tries++) {
    assert.ok(tries < 500, 'nats-server says its port');
    const text = await readFile(ports, 'utf8').catch(() => '');
    const port = /"(?:nats|tls):\/\/127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
    if (port !== undefined) url = `tls://127.0.0.1:${port}`;
    else await sleep(10);
  }
  services = await joinAs({ role: 'services' });
  await ensureStreams(services, { replicas: 1 });
});
after(async () => {
  for (const nats of open) await nats.close();
  server?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Whether the server lets this connection publish there. */
const mayPublish = async (nats: NatsConnection, subject: string): Promise<boolean> => {
  let refused = false;
  const statuses = nats.status();
  const watching = (async () => {
    for await (const status of statuses) if (status.type === 'error') refused = true;
  })();
  nats.publish(subject, '{}');
  // The refusal comes before the answer to a ping that was sent later.
  await nats.flush();
  (statuses as AsyncIterable<unknown> & { stop?(): void }).stop?.();
  await watching;
  return !refused;
};

const maySubscribe = async (nats: NatsConnection, subject: string): Promise<boolean> => {
  let refused = false;
  const callback = (error: Error | null): void => {
    if (error !== null) refused = true;
  };
  const subscription = nats.subscribe(subject, { callback });
  await nats.flush();
  subscription.unsubscribe();
  return !refused;
};

test('keys and credentials are for nobody else to read', async () => {
  for (const file of ['operator.seed', 'account.seed', 'local.conf', 'services.creds', 'tls/nats.key']) {
    assert.equal((await stat(join(folder, file))).mode & 0o077, 0, file);
  }
  assert.equal((await stat(folder)).mode & 0o077, 0);
});

test('without credentials, or without the CA, nobody gets in', async () => {
  const ca = await readFile(created.ca, 'utf8');
  await assert.rejects(connect({ servers: url, tls: { ca }, reconnect: false }));
  const creds = new Uint8Array(await readFile(join(folder, 'services.creds')));
  await assert.rejects(connect({ servers: url, authenticator: credsAuthenticator(creds), reconnect: false }));
});

test('services store, list and watch', async () => {
  const store = await Store.open(services, 'cb_config');
  const value = new Uint8Array(0);
  await store.commit([
    { key: 'acme.network.a', value },
    { key: 'acme.network.b', value },
  ]);
  assert.equal((await store.list('acme.network.*')).length, 2);
});

test('the API at the edge changes resources, and neither streams nor keys nor who is who', async () => {
  const edge = await joinAs({ role: 'edge' });
  const allowed = [
    '$KV.cb_config.acme.device.a',
    '$KV.cb_config._system.worker.moscow.w1',
    '$KV.cb_config.acme.lease.home.10-64-0-2',
    '$KV.cb_revocations.acme.device.a',
    '$JS.API.STREAM.MSG.GET.KV_cb_config',
    '$JS.API.DIRECT.GET.KV_cb_status',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.c.cb.events.acme.>',
    'cb.events.acme.device.created.a',
  ];
  const refused = [
    '$KV.cb_config._system.key.pop-tokens',
    '$KV.cb_config._system.revision.1',
    '$KV.cb_auth.account.a',
    '$KV.cb_desired.fleet',
    '$KV.cb_status.worker.moscow.w1',
    '$KV.cb_chunks.x',
    '$JS.API.STREAM.MSG.GET.KV_cb_auth',
    '$JS.API.DIRECT.GET.KV_cb_auth',
    '$JS.API.STREAM.DELETE.KV_cb_config',
    '$JS.API.STREAM.PURGE.KV_cb_config',
    '$JS.API.STREAM.UPDATE.KV_cb_config',
    '$JS.API.STREAM.CREATE.other',
    '$JS.API.CONSUMER.CREATE.KV_cb_auth.c.$KV.cb_auth.>',
    'cb.cmd.moscow.w1.probe',
  ];
  for (const subject of allowed) assert.ok(await mayPublish(edge, subject), subject);
  for (const subject of refused) assert.equal(await mayPublish(edge, subject), false, subject);
  for (const subject of ['>', '$KV.cb_config.>', 'cb.events.>', '_INBOX_services.>']) {
    assert.equal(await maySubscribe(edge, subject), false, subject);
  }
});

test('a worker reads what it needs and writes of itself only', async () => {
  const worker = await joinAs({ role: 'worker', pop: 'moscow', worker: 'w1' });
  const allowed = [
    '$KV.cb_status.worker.moscow.w1',
    '$KV.cb_status.presence.acme.a.moscow.w1',
    'cb.events.acme.device.connected.a',
  ];
  const refused = [
    '$KV.cb_config.acme.device.a',
    '$KV.cb_desired.fleet',
    '$KV.cb_revocations.acme.device.a',
    '$KV.cb_chunks.x',
    '$KV.cb_status.worker.moscow.w2',
    '$KV.cb_status.worker.frankfurt.w1',
    '$KV.cb_status.presence.acme.a.frankfurt.w1',
    'cb.events.acme.device.created.a',
    '$JS.API.STREAM.DELETE.KV_cb_config',
    '$JS.API.STREAM.PURGE.KV_cb_config',
    '$JS.API.CONSUMER.CREATE.KV_cb_config.c.$KV.cb_config.>',
    '$JS.API.CONSUMER.CREATE.KV_cb_config.c.$KV.cb_config._system.key.*',
    '$JS.API.CONSUMER.CREATE.KV_cb_config.c',
    '$JS.API.STREAM.MSG.GET.KV_cb_config',
    '$JS.API.DIRECT.GET.KV_cb_config.$KV.cb_config._system.key.pop-tokens',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.c.cb.events.>',
    'cb.cmd.moscow.w2.probe',
  ];
  for (const subject of allowed) assert.ok(await mayPublish(worker, subject), subject);
  for (const subject of refused) assert.equal(await mayPublish(worker, subject), false, subject);
  assert.ok(await maySubscribe(worker, 'cb.cmd.moscow.w1.probe'));
  for (const subject of [
    '>',
    '$KV.cb_config.>',
    'cb.events.>',
    'cb.cmd.moscow.w2.>',
    '_INBOX_services.>',
    '_INBOX.>',
  ]) {
    assert.equal(await maySubscribe(worker, subject), false, subject);
  }
});

test('with no more than that, a worker follows the control plane', async () => {
  const store = await Store.open(services, 'cb_config');
  const device = create(DeviceSchema, { tenant: 'acme', id: 'a', network: 'n', ipv4Address: '10.64.0.2' });
  await store.commit([{ key: 'acme.device.a', value: toBinary(DeviceSchema, device) }]);
  const errors: unknown[] = [];
  const role = { role: 'worker', pop: 'moscow', worker: 'w2' } as const;
  const control = await Control.start({
    servers: [url],
    credentials: await createCredentials(folder, role),
    ca: created.ca,
    pop: role.pop,
    worker: role.worker,
    stateDirectory: join(folder, 'w2'),
    revisionKeys: new Map(),
    report: () => ({
      health: Health.SERVING,
      version: 'test',
      startTimeMs: 0,
      sessions: 0,
      packetsUp: 0n,
      packetsDown: 0n,
      packetsDropped: 0n,
    }),
    onError: (error) => void errors.push(error),
  });
  try {
    await eventually(async () => (control.membership.caughtUp ? true : undefined), 'membership');
    assert.equal(control.state.device('acme', 'a')?.ipv4, '10.64.0.2');
    control.status.connected({ tenant: 'acme', device: 'a', ipv4: '10.64.0.2', ipv6: '' });
    const status = await Store.open(services, 'cb_status');
    await eventually(() => status.get('worker.moscow.w2'), 'its status');
    await eventually(() => status.get('presence.acme.a.moscow.w2'), 'presence');
    assert.deepEqual(errors, []);
  } finally {
    await control.close();
  }
});

test('an integrator reads its own tenant’s events only', async () => {
  await jetstream(services).publish('cb.events.acme.device.created.a', 'own');
  await jetstream(services).publish('cb.events.other.device.created.a', 'foreign');
  const acme = await joinAs({ role: 'integrator', tenant: 'acme' });
  const manager = await jetstreamManager(acme, { checkAPI: false });
  await manager.consumers.add('CB_EVENTS', {
    name: 'acme_1',
    durable_name: 'acme_1',
    ack_policy: 'explicit',
    filter_subject: 'cb.events.acme.>',
  });
  const consumer = await jetstream(acme, { apiPrefix: '$JS.API' }).consumers.getConsumerFromInfo(
    await manager.consumers.info('CB_EVENTS', 'acme_1'),
  );
  const seen: string[] = [];
  for await (const message of await consumer.fetch({ max_messages: 10, expires: 1000 })) {
    seen.push(message.string());
    await message.ackAck();
  }
  assert.ok(seen.includes('own') && !seen.includes('foreign'), seen.join());
  const refused = [
    'cb.events.acme.device.created.a',
    '$KV.cb_config.acme.device.a',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.acme_1.cb.events.other.>',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.acme_1.cb.events.>',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.other_1.cb.events.acme.>',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.acme_1',
    '$JS.API.CONSUMER.MSG.NEXT.CB_EVENTS.other_1',
    '$JS.API.STREAM.MSG.GET.CB_EVENTS',
    '$JS.API.DIRECT.GET.CB_EVENTS',
  ];
  for (const subject of refused) assert.equal(await mayPublish(acme, subject), false, subject);
  assert.ok(await maySubscribe(acme, 'cb.events.acme.>'));
  for (const subject of ['cb.events.>', 'cb.events.other.>', '$KV.>', '_INBOX_tenant_other.>']) {
    assert.equal(await maySubscribe(acme, subject), false, subject);
  }
});
