import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { credsAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { EVENT_STREAM } from '#model/names.ts';
import { Control } from '#pop-worker/control/control.ts';
import { DeviceSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { Health } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { eventually } from '#services/config/testing/client.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { ConflictError } from '#services/store/errors.ts';
import { Store } from '#services/store/store.ts';
import { NatsAccounts, writeAccounts } from './nats-accounts.ts';
import { accountsFile } from './nats-server.ts';
import { type RunningInstallation, startInstallation } from './testing/running.ts';

let installation: RunningInstallation;
let services: NatsConnection;
let worker: NatsConnection;
let acme: NatsConnection;

before(async () => {
  const workers = ['moscow/w1', 'moscow/w2'];
  installation = await startInstallation({ workers, edgeAddresses: ['192.0.2.1'] });
  const { joinAs, created } = installation;
  services = await joinAs({ role: 'services' }, created.servicesCredentials);
  await ensureStreams(services, { replicas: 1 });
  await addTenant('acme');
  worker = await joinAs({ role: 'worker', pop: 'moscow', worker: 'w1' }, created.workerCredentials['moscow/w1']!);
  acme = await joinAs({ role: 'integrator', tenant: 'acme' }, integratorFile('acme'));
});
after(() => installation.close());

const accounts = (): NatsAccounts => new NatsAccounts(join(installation.folder, 'keys'));
const integratorFile = (tenant: string): string => join(installation.folder, `${tenant}.creds`);
const tellServers = async (): Promise<void> => {
  await writeAccounts(accounts(), installation.created.natsServers.map(accountsFile));
  for (const server of installation.servers) server.kill('SIGHUP');
};
const addTenant = async (tenant: string): Promise<void> => {
  await accounts().addUser(integratorFile(tenant), { role: 'integrator', tenant });
  await tellServers();
};

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

test('without credentials, or without the CA, nobody gets in', async () => {
  const { created } = installation;
  const servers = [...created.servers];
  const ca = await readFile(created.nats.ca, 'utf8');
  await assert.rejects(connect({ servers, tls: { ca }, reconnect: false }), /authorization/i);
  const authenticator = credsAuthenticator(new Uint8Array(await readFile(created.servicesCredentials)));
  await assert.rejects(connect({ servers, authenticator, reconnect: false }), /certificate/i);
});

test('services store, list and watch, and delete no stream', async () => {
  const store = await Store.open(services, 'cb_config');
  const value = new Uint8Array(0);
  await store.commit([
    { key: 'acme.network.a', value },
    { key: 'acme.network.b', value },
  ]);
  assert.equal((await store.list('acme.network.*')).length, 2);
  for (const subject of ['$JS.API.STREAM.PURGE.KV_cb_config', '$JS.API.STREAM.DELETE.CB_EVENTS', '$SYS.REQ.x', '>']) {
    assert.equal(await mayPublish(services, subject), false, subject);
  }
  for (const subject of ['>', '$SYS.>', '_INBOX_moscow_w1.>']) {
    assert.equal(await maySubscribe(services, subject), false, subject);
  }
});

test('a worker reads what it needs and writes of itself only', async () => {
  const allowed = [
    '$KV.cb_status.worker.moscow.w1',
    '$KV.cb_status.presence.acme.a.moscow.w1',
    '$KV.cb_status.site.acme.a.moscow.w1',
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
    '$KV.cb_status.site.acme.a.frankfurt.w1',
    'cb.events.acme.site.down.a',
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

test('a worker answers the commands that are for it', async () => {
  worker.subscribe('cb.cmd.moscow.w1.>', { callback: (_error, message) => void message.respond('here') });
  await worker.flush();
  assert.equal((await services.request('cb.cmd.moscow.w1.probe', '', { timeout: 5000 })).string(), 'here');
});

test('the API at the edge changes resources, and neither streams nor keys nor who is who', async () => {
  const edge = await installation.joinAs({ role: 'edge' }, installation.created.edgeCredentials);
  const allowed = [
    '$KV.cb_config.acme.device.a',
    '$KV.cb_config._system.worker.moscow.w1',
    '$KV.cb_config._system.prefix.service',
    '$KV.cb_config._system.neighbor.moscow.upstream',
    '$KV.cb_config._system.uplink.moscow.upstream',
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
  // Through an account of its own it does all that the API does: atomic commits, pages, events.
  const store = await Store.open(edge, 'cb_config');
  const value = new Uint8Array(0);
  await store.commit([
    { key: 'edge.network.a', value },
    { key: 'edge.network.b', value },
    { key: 'edge.network.c', value, ifRevision: 0 },
  ]);
  await store.commit([{ key: 'edge.network.b', value: undefined }]);
  assert.deepEqual(
    (await store.list('edge.network.*')).map(({ key }) => key),
    ['edge.network.a', 'edge.network.c'],
  );
  await assert.rejects(store.commit([{ key: 'edge.network.a', value, ifRevision: 0 }]), ConflictError);
  const consumer = await jetstream(edge).consumers.get(EVENT_STREAM, { filter_subjects: ['cb.events.edge.>'] });
  await jetstream(edge).publish('cb.events.edge.device.created.a', 'told');
  const messages = await consumer.consume();
  for await (const message of messages) {
    assert.equal(message.string(), 'told');
    break;
  }
  await messages.close();
});

/** The server answers where it is asked to; a role may not use that to write where it may not. */
test('an answer is written into nobody else’s records', async () => {
  const config = 'config.evil.device.evil';
  const asked = [
    [worker, '$JS.API.STREAM.INFO.KV_cb_config'],
    [worker, '$KV.cb_status.worker.moscow.w1'],
    [acme, '$JS.API.CONSUMER.INFO.CB_EVENTS.acme_1'],
    [acme, '$JS.API.CONSUMER.CREATE.CB_EVENTS.acme_1.cb.events.acme.>'],
  ] as const;
  const targets = ['cb_revocations.evil.tenant.evil', `cb_${config}`, 'cb_status.worker.moscow.w2', 'cb_desired.fleet'];
  for (const [nats, subject] of asked) {
    for (const target of targets) nats.publish(subject, '{}', { reply: `$KV.${target}` });
    nats.publish(subject, '{}', { reply: 'cb.events.globex.device.connected.evil' });
    await nats.flush();
    // Answered in order: once this one is, those are too.
    if (nats === worker) await nats.request(subject, '{}', { timeout: 5000 });
    else await nats.request('$JS.API.CONSUMER.INFO.CB_EVENTS.acme_1', '', { timeout: 5000 });
  }
  for (const target of targets) {
    const [bucket = '', ...key] = target.split('.');
    assert.equal(await (await Store.open(services, bucket)).get(key.join('.')), undefined, target);
  }
  const manager = await jetstreamManager(services, { checkAPI: false });
  const { state } = await manager.streams.info(EVENT_STREAM, { subjects_filter: 'cb.events.globex.>' });
  assert.deepEqual(state.subjects ?? {}, {});
});

test('a consumer cannot be made to deliver into records', async () => {
  // As the services listen: a server delivers only where somebody listens to just that subject.
  services.subscribe('$KV.cb_config.*.network.*', { callback: () => undefined });
  await jetstream(services).publish('cb.events.acme.device.created.z', 'content');
  const config = {
    name: 'acme_2',
    ack_policy: 'none',
    deliver_subject: '$KV.cb_config.evil.network.evil',
    filter_subject: 'cb.events.acme.>',
    inactive_threshold: 60e9,
  };
  const manager = await jetstreamManager(services, { checkAPI: false });
  const before = (await manager.streams.info('KV_cb_config')).state.last_seq;
  const request = JSON.stringify({ stream_name: EVENT_STREAM, config });
  const made = await acme.request(`$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.acme_2.cb.events.acme.>`, request);
  assert.equal(made.json<{ config: typeof config }>().config.deliver_subject, config.deliver_subject);
  await jetstream(services).publish('cb.events.acme.device.created.z', 'more');
  assert.equal((await manager.consumers.info(EVENT_STREAM, 'acme_2')).delivered.consumer_seq, 0);
  assert.equal((await manager.streams.info('KV_cb_config')).state.last_seq, before);
});

test('with no more than that, a worker follows the control plane', async () => {
  const store = await Store.open(services, 'cb_config');
  const device = create(DeviceSchema, { tenant: 'acme', id: 'a', network: 'n', ipv4Address: '10.64.0.2' });
  await store.commit([{ key: 'acme.device.a', value: toBinary(DeviceSchema, device) }]);
  const errors: unknown[] = [];
  const { created, folder } = installation;
  const control = await Control.start({
    servers: created.servers,
    credentials: created.workerCredentials['moscow/w2']!,
    ca: created.nats.ca,
    pop: 'moscow',
    worker: 'w2',
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

test('an integrator reads its own tenant’s events only, and remembers by itself how far it is', async () => {
  await jetstream(services).publish('cb.events.acme.device.created.a', 'own');
  await jetstream(services).publish('cb.events.other.device.created.a', 'foreign');
  const manager = await jetstreamManager(acme, { checkAPI: false });
  await manager.consumers.add(EVENT_STREAM, {
    name: 'acme_1',
    ack_policy: 'none',
    inactive_threshold: 60e9,
    filter_subject: 'cb.events.acme.>',
  });
  const info = await manager.consumers.info(EVENT_STREAM, 'acme_1');
  const consumer = await jetstream(acme).consumers.getConsumerFromInfo(info);
  const seen: string[] = [];
  for await (const message of await consumer.fetch({ max_messages: 10, expires: 1000 })) seen.push(message.string());
  assert.ok(seen.includes('own') && !seen.includes('foreign'), seen.join());
  const refused = [
    'cb.events.acme.device.created.a',
    '$KV.cb_config.acme.device.a',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.acme_1.cb.events.other.>',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.acme_1.cb.events.>',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.other_1.cb.events.acme.>',
    '$JS.API.CONSUMER.CREATE.CB_EVENTS.acme_1',
    '$JS.API.CONSUMER.MSG.NEXT.CB_EVENTS.other_1',
    '$JS.API.INFO',
    '$JS.API.STREAM.MSG.GET.CB_EVENTS',
    '$JS.API.DIRECT.GET.CB_EVENTS',
    '$JS.ACK.CB_EVENTS.other_1.1.1.1.1.0',
  ];
  for (const subject of refused) assert.equal(await mayPublish(acme, subject), false, subject);
  for (const subject of ['cb.events.>', 'cb.events.other.>', '$KV.>', '_INBOX_tenant_other.>']) {
    assert.equal(await maySubscribe(acme, subject), false, subject);
  }
});

test('a plain subscription hears the tenant’s events as they happen', async () => {
  const subscription = acme.subscribe('cb.events.acme.>', { max: 1 });
  await acme.flush();
  await jetstream(services).publish('cb.events.other.device.created.b', 'foreign');
  // From an account that is neither the services' nor its own.
  await jetstream(worker).publish('cb.events.acme.device.connected.b', 'now');
  const heard: string[] = [];
  for await (const { subject, data } of subscription) heard.push(subject, new TextDecoder().decode(data));
  assert.deepEqual(heard, ['cb.events.acme.device.connected.b', 'now']);
});

test('servers learn of new accounts, and forget old ones, while they run', async () => {
  await addTenant('initech');
  const role = { role: 'integrator', tenant: 'initech' } as const;
  const initech = await installation.joinAs(role, integratorFile('initech'));
  assert.ok(await maySubscribe(initech, 'cb.events.initech.>'));
  assert.ok(!acme.isClosed() && !services.isClosed());
  await accounts().remove(role);
  await tellServers();
  const ended = initech.closed();
  assert.match(String(await ended), /authorization|authentication/i);
});
