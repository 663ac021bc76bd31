import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Bucket, StatusKey } from '#model/names.ts';
import { Health, PresenceSchema, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { TunnelState } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { generateKeyPair } from '#services/installation/wireguard-keys.ts';
import { Store } from '#services/store/store.ts';
import { createWorld, type World } from '../testing/world.ts';

let world: World;
let nats: NatsConnection;
let status: Store;
const [before1, now] = [generateKeyPair().publicKey, generateKeyPair().publicKey];

const good = async (...args: string[]): Promise<string> => {
  const { status: code, stdout, stderr } = await world.run(...args);
  assert.deepEqual([code, stderr], [0, ''], args.join(' '));
  return stdout;
};
const rows = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));

before(async () => {
  world = await createWorld();
  nats = await connect({ servers: world.issuer.server.url });
  status = await Store.open(nats, Bucket.status);
  const { keyFile } = await world.account('robot', 'operator');
  await good('login', '--server', world.api, '--service-account-key', keyFile, '--context', 'test');
  await good('tenant', 'create', 'acme');
  await good('network', 'create', 'acme/office', '--ipv4-pool', '10.64.0.0/24');
  await good('network', 'create', 'acme/branch', '--ipv4-pool', '192.168.0.0/16');
  await good('wireguard', 'edge', 'update', '--public-key', before1, '--endpoints', '192.0.2.1:51820');
  for (const [id, ...more] of [
    ['berlin-1', '--wireguard-site', 'berlin', '--wireguard-networks', '192.168.20.0/24'],
    ['berlin-2', '--wireguard-site', 'berlin', '--wireguard-networks', '192.168.20.0/24', '--wireguard-metric', '10'],
    ['phone'],
  ] as const) {
    const key = generateKeyPair().publicKey;
    await good('device', 'create', `acme/${id}`, '--network', 'office', '--wireguard-public-key', key, ...more);
  }
});
after(async () => {
  await nats?.close();
  await world?.close();
});

/** What a worker says: that it is there, and who is, by which key. */
const says = async (device: string, edgeKey: string, state?: TunnelState): Promise<void> => {
  const worker = { pop: 'moscow', worker: 'w1' };
  const report = create(WorkerStatusSchema, { ...worker, health: Health.SERVING });
  const site = { site: 'berlin', since: timestampFromMs(0), rank: 0 };
  const presence = { tenant: 'acme', device, ...worker, edgeKey, since: timestampFromMs(0) };
  const reached = create(PresenceSchema, { ...presence, ...(state !== undefined && { site: { ...site, state } }) });
  await status.commit([{ key: StatusKey.worker('moscow', 'w1'), value: toBinary(WorkerStatusSchema, report) }]);
  for (const kind of ['presence', 'site'] as const)
    await status.commit([
      { key: StatusKey[kind]('acme', device, 'moscow', 'w1'), value: toBinary(PresenceSchema, reached) },
    ]);
};

test('a site shows by which device it is reached, in a list and by itself', async () => {
  const [, away] = rows(await good('site', 'list', 'acme'));
  assert.deepEqual(away, ['acme', 'berlin', 'down', '192.168.20.0/24', '2']);
  await says('berlin-1', before1, TunnelState.REACHED);
  const [headings, row] = rows(await good('site', 'list'));
  assert.deepEqual(headings, ['TENANT', 'ID', 'STATE', 'DEVICE', 'POP', 'WORKER', 'NETWORKS', 'TUNNELS']);
  assert.deepEqual(row, ['acme', 'berlin', 'up', 'berlin-1', 'moscow', 'w1', '192.168.20.0/24', '2']);
  const shown = await good('site', 'get', 'acme/berlin');
  assert.match(
    shown,
    /^tunnels 1 +\{"device":"berlin-1","pop":"moscow".*"state":"TUNNEL_STATE_REACHED".*"active":true/m,
  );
  assert.match(shown, /^tunnels 2 +\{"device":"berlin-2","metric":10,"state":"TUNNEL_STATE_AWAY"\}$/m);
  const { tunnels } = JSON.parse(await good('site', 'get', 'acme/berlin', '-o', 'json'));
  assert.deepEqual([tunnels[0].pop, tunnels[0].active], ['moscow', true]);
  assert.match(
    await good('device', 'get', 'acme/berlin-1'),
    /^presence 1 +\{.*"pop":"moscow".*"site":\{"site":"berlin"/m,
  );
  assert.equal((await world.run('site', 'get', 'acme/paris')).status, 1);
});

test('who of the fleet needs the key before is listed, with 1, until nobody is known to', async () => {
  const none = await world.run('wireguard', 'rotation');
  assert.deepEqual(
    [none.status, none.stderr.trim()],
    [0, 'The edge has no key before the present one: nobody needs another.'],
  );
  await good('wireguard', 'edge', 'update', '--public-key', now);
  const first = await world.run('wireguard', 'rotation');
  assert.deepEqual(rows(first.stdout), [
    ['DEVICE', 'WORKER', 'COMES BY', 'PRESHARED KEY SEALED TO'],
    ['acme/berlin-1', 'moscow/w1', 'previous key', '-'],
    ['acme/berlin-2', '-', 'not known', '-'],
    ['acme/phone', '-', 'not known', '-'],
  ]);
  assert.equal(first.status, 1);
  await says('berlin-1', now);
  await says('phone', now);
  const second = await world.run('wireguard', 'rotation');
  assert.deepEqual([second.status, rows(second.stdout).length], [0, 2], 'one is at no worker');
  await says('berlin-2', now);
  const last = await world.run('wireguard', 'rotation', '--json');
  assert.deepEqual([last.status, last.stdout.trim()], [0, '']);
  assert.equal(last.stderr.trim(), 'Every device has come by the present key.');
});
