import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { Bucket } from '#model/names.ts';
import { DeviceSchema, DeviceState } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { NetworkSchema } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { WorkerSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { DesiredState } from './desired-state.ts';
import { followRecord } from './records.ts';

const ENDED = new Uint8Array(0);
const PRESENT = Uint8Array.of(1);

/** A worker's records, and what it makes of them. */
const follower = () => {
  const state = new DesiredState();
  const records = new Map<string, Uint8Array>();
  const follow = (bucket: string, key: string, value: Uint8Array | undefined): void => {
    if (value === undefined) records.delete(`${bucket} ${key}`);
    else records.set(`${bucket} ${key}`, value);
    followRecord(state, bucket, key, (of, wanted) => records.get(`${of} ${wanted}`));
  };
  return {
    state,
    config: (key: string, value: Uint8Array | undefined) => follow(Bucket.config, key, value),
    revocation: (key: string, value: Uint8Array | undefined) => follow(Bucket.revocations, key, value),
    follow,
  };
};

const device = (
  more: Partial<{ state: DeviceState; network: string; ipv4Address: string; ipv6Address: string }> = {},
) =>
  toBinary(
    DeviceSchema,
    create(DeviceSchema, { network: 'n', ipv4Address: '10.64.0.2', ipv6Address: 'fd00::2', ...more }),
  );

test('a device comes, changes and goes', () => {
  const { state, config } = follower();
  config('acme.device.a', device());
  assert.deepEqual(state.device('acme', 'a'), {
    tenant: 'acme',
    id: 'a',
    network: 'n',
    ipv4: '10.64.0.2',
    ipv6: 'fd00::2',
  });
  config('acme.device.a', device({ ipv4Address: '10.64.0.3' }));
  assert.equal(state.device('acme', 'a')?.ipv4, '10.64.0.3');
  assert.equal(state.isRevoked('acme', 'a', 't'), false);
  config('acme.device.a', ENDED);
  assert.equal(state.device('acme', 'a'), undefined);
  assert.equal(state.isRevoked('acme', 'a', 't'), true, 'tokens of a deleted device are refused');
  config('acme.device.a', undefined);
  assert.equal(state.isRevoked('acme', 'a', 't'), false, 'once it is forgotten its tokens have expired');
});

test('an identifier may hold dots', () => {
  const { state, config } = follower();
  config('acme.device.a.b.c', device());
  assert.equal(state.device('acme', 'a.b.c')?.id, 'a.b.c');
});

test('a device that is revoked is never seen as one that is not', () => {
  const { state, config } = follower();
  const seen: string[] = [];
  state.listen({
    onDevice: (_tenant, id) => seen.push(`${id} ${state.isRevoked('acme', id, '')}`),
    onRevoked: ({ device: id }) => seen.push(`${id} revoked`),
  });
  config('acme.device.a', device({ state: DeviceState.REVOKED }));
  assert.deepEqual(seen, ['a revoked', 'a true']);
});

test('a device is revoked by its record or by its revocation, and is not when neither says so', () => {
  const { state, config, revocation } = follower();
  const isRevoked = () => state.isRevoked('acme', 'a', 't');
  revocation('acme.device.a', PRESENT);
  assert.ok(isRevoked(), 'before it is known');
  config('acme.device.a', device());
  assert.ok(isRevoked());
  revocation('acme.device.a', ENDED);
  assert.ok(!isRevoked());
  config('acme.device.a', device({ state: DeviceState.REVOKED }));
  revocation('acme.device.a', PRESENT);
  revocation('acme.device.a', undefined);
  assert.ok(isRevoked(), 'still by its record');
  config('acme.device.a', device({ state: DeviceState.ACTIVE }));
  assert.ok(!isRevoked());
  assert.ok(!state.isRevoked('acme', 'b', 't'));
});

test('a record that cannot be read keeps no revocation from counting, and changes nothing else', () => {
  const { state, config, revocation } = follower();
  config('acme.device.a', device());
  const garbage = Uint8Array.of(255, 255);
  assert.throws(() => config('acme.device.a', garbage));
  assert.equal(state.device('acme', 'a')?.ipv4, '10.64.0.2');
  assert.throws(() => revocation('acme.device.a', PRESENT));
  assert.ok(state.isRevoked('acme', 'a', 't'));
  assert.throws(() => revocation('acme.device.a', ENDED));
  assert.ok(state.isRevoked('acme', 'a', 't'), 'nobody knows whether it may come back');
});

test('a token and a tenant are revoked, and come back', () => {
  const { state, revocation } = follower();
  revocation('acme.token.t1', PRESENT);
  assert.deepEqual(
    [state.isRevoked('acme', 'a', 't1'), state.isRevoked('acme', 'a', 't2'), state.isRevoked('other', 'a', 't1')],
    [true, false, false],
  );
  revocation('acme.token.t1', ENDED);
  assert.equal(state.isRevoked('acme', 'a', 't1'), false);
  revocation('acme.tenant.acme', PRESENT);
  assert.deepEqual([state.isRevoked('acme', 'a', 't2'), state.isRevoked('other', 'a', 't2')], [true, false]);
  revocation('acme.tenant.acme', ENDED);
  assert.equal(state.isRevoked('acme', 'a', 't2'), false);
});

test('a revocation of a kind of tomorrow is told and is nobody else’s', () => {
  const { state, revocation } = follower();
  assert.throws(() => revocation('acme.user.olga', PRESENT), /can be revoked and is called "user"/);
  assert.throws(() => revocation('acme', PRESENT), /called ""/);
  assert.throws(
    () => revocation(`acme.${'x'.repeat(200)}.y`, PRESENT),
    ({ message }: Error) => message.endsWith(`called "${'x'.repeat(80)}"`),
  );
  assert.ok(!state.isRevoked('acme', 'olga', ''));
});

test('a network gives its tenant prefixes while it is there', () => {
  const { state, config } = follower();
  const network = (ipv4Pool: string, ipv6Prefix: string) =>
    toBinary(NetworkSchema, create(NetworkSchema, { ipv4Pool, ipv6Prefix }));
  config('acme.network.n', network('10.64.0.0/24', 'fd00:1::/64'));
  config('acme.network.m', network('10.65.0.0/24', 'fd00:2::/64'));
  assert.deepEqual(state.tenants.get('acme'), ['10.64.0.0/24', '10.65.0.0/24', 'fd00:1::/64', 'fd00:2::/64']);
  config('acme.network.m', ENDED);
  assert.deepEqual(state.tenants.get('acme'), ['10.64.0.0/24', 'fd00:1::/64']);
});

test('a worker drains while its record says so', () => {
  const { state, config } = follower();
  const worker = (drain: boolean, popDrain = false) =>
    toBinary(WorkerSchema, create(WorkerSchema, { drain, popDrain, id: 'w1' }));
  config('_system.worker.moscow.w1', worker(true));
  assert.deepEqual(state.drain, ['worker']);
  config('_system.worker.moscow.w1', worker(false, true));
  assert.deepEqual(state.drain, ['pop'], 'its PoP says so');
  config('_system.worker.moscow.w1', worker(true, true));
  assert.deepEqual(state.drain, ['worker', 'pop']);
  config('_system.worker.moscow.w1', worker(false));
  assert.deepEqual(state.drain, []);
  config('_system.worker.moscow.w1', worker(true));
  config('_system.worker.moscow.w1', ENDED);
  assert.deepEqual(state.drain, []);
});

test('other records of the bucket are nobody’s', () => {
  const { state, config } = follower();
  config('_system.pop.moscow', Uint8Array.of(255));
  config('acme', Uint8Array.of(255));
  assert.deepEqual([state.deviceCount, state.tenants.size, state.drain], [0, 0, []]);
});

test('the corpus, and what is made of it, is followed or refused', () => {
  interface Expected {
    readonly bucket: string;
    readonly key: string;
    readonly unreadable: number;
  }
  const corpus = readCorpus<Expected>(new URL('testing/corpus/records.json', import.meta.url));
  const all = follower();
  const unreadable = (bucket: string, key: string, bytes: Uint8Array): number => {
    try {
      all.follow(bucket, key, bytes);
      return 0;
    } catch (error) {
      assert.ok(error instanceof Error);
      return 1;
    }
  };
  for (const { name, bytes, expect } of corpus) {
    assert.equal(unreadable(expect.bucket, expect.key, bytes), expect.unreadable, name);
  }
  assert.ok(all.state.isRevoked('acme', 'b', ''), 'also of a device whose record cannot be read');
  assert.ok(all.state.isRevoked('globex', 'any', ''));
  const keys = [
    'acme.device.m',
    'acme.network.m',
    '_system.worker.moscow.w1',
    'acme.token.m',
    'acme.wireguard.m',
    '_system.wireguard.edge',
  ];
  survive(corpus, (bytes) => {
    for (const key of keys) for (const bucket of [Bucket.config, Bucket.revocations]) unreadable(bucket, key, bytes);
  });
});
