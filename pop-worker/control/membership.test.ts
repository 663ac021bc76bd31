import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Bucket } from '#model/names.ts';
import { MembershipSnapshotSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { eventually } from '#services/config/testing/client.ts';
import { createTestInstallation, type TestInstallation } from '#services/config/testing/installation.ts';
import { DesiredState } from './desired-state.ts';
import { Membership } from './membership.ts';
import { loadStateFiles, saveStateFile } from './state-file.ts';

let installation: TestInstallation;
let folder: string;

before(async () => {
  installation = await createTestInstallation();
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-membership-'));
});
after(async () => {
  await installation?.close();
  await rm(folder, { recursive: true, force: true });
});

test('what is half known is never kept: the next start would take it for all there is', async () => {
  const { send } = await installation.startCopy();
  await send('POST', '/v1/tenants', { id: 'acme' });
  await send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  const nats = await connect({ servers: installation.server.url });
  // Revocations are out of reach, everything else comes.
  const manager = await jetstreamManager(nats);
  await manager.streams.delete(`KV_${Bucket.revocations}`);
  const file = join(folder, 'membership');
  const state = new DesiredState();
  const membership = new Membership({ state, pop: 'p', worker: 'w', file, onError: () => undefined });
  membership.watch(nats);
  await eventually(async () => (state.tenants.has('acme') ? true : undefined), 'the network');
  await membership.close();
  assert.equal(membership.caughtUp, false);
  assert.deepEqual(await loadStateFiles(file), { candidates: [], damaged: [] });
  await nats.close();
});

test('of very many records all are kept', async () => {
  const file = join(folder, 'many');
  const records = Array.from({ length: 2000 }, (_, i) => ({
    ...{ bucket: i % 2 === 0 ? Bucket.config : Bucket.revocations, key: `acme.device.d${i}`, revision: BigInt(i + 1) },
    value: new Uint8Array(i === 77 ? 3 * 2 ** 20 : 0).fill(7),
  }));
  await saveStateFile(file, toBinary(MembershipSnapshotSchema, create(MembershipSnapshotSchema, { records })));
  const state = new DesiredState();
  const membership = new Membership({ state, pop: 'p', worker: 'w', file, onError: () => undefined });
  assert.equal(await membership.load(), true);
  await membership.close();
  const [kept] = (await loadStateFiles(file)).candidates;
  const snapshot = fromBinary(MembershipSnapshotSchema, kept?.content ?? assert.fail());
  const inOrder = snapshot.records.toSorted((a, b) => Number(a.revision - b.revision));
  for (const [i, { bucket, key, revision, value }] of records.entries()) {
    const one = inOrder[i] ?? assert.fail(key);
    assert.deepEqual([one.bucket, one.key, one.revision], [bucket, key, revision]);
    assert.ok(Buffer.from(value).equals(one.value), key);
  }
  assert.ok(inOrder.length === records.length && snapshot.time !== undefined);
});
