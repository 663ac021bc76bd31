import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Bucket } from '#model/names.ts';
import { eventually } from '#services/config/testing/client.ts';
import { createTestInstallation, type TestInstallation } from '#services/config/testing/installation.ts';
import { DesiredState } from './desired-state.ts';
import { Membership } from './membership.ts';
import { loadStateFiles } from './state-file.ts';

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
