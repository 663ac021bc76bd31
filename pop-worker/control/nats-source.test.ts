import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '#services/config/testing/client.ts';
import type { ControlListener, Revocation } from './source.ts';
import { loadStateFiles } from './state-file.ts';
import { SERVING } from './testing/condition.ts';
import { createTestHub, type TestHub } from './testing/hub.ts';

let hub: TestHub;
let folder: string;
/** Where a worker left all that it knew. */
let left: string;

const createListener = () => {
  const revoked: Revocation[] = [];
  const keys: string[] = [];
  const current: boolean[] = [];
  const listener: ControlListener = {
    tenant: () => undefined,
    keys: (_jwks, issuer) => void keys.push(issuer),
    refused: () => undefined,
    current: (isCurrent) => void current.push(isCurrent),
    revoke: (revocation) => void revoked.push(revocation),
    reinstate: () => undefined,
    setDrain: () => undefined,
    condition: () => SERVING,
    revocations: () => undefined,
  };
  return { listener, revoked, keys, current };
};

before(async () => {
  hub = await createTestHub();
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-source-'));
  const { send } = hub.service;
  hub.startPublisher(hub.service);
  await send('POST', '/v1/tenants', { id: 'acme' });
  await send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  await send('POST', '/v1/tenants/acme/devices', { id: 'a', network: 'n' });
  await send('POST', '/v1/tenants/acme/devices/a/revoke', { reason: 'stolen' });
  const { control, directory } = await hub.startWorker('w1');
  left = directory;
  await eventually(
    async () => (control.membership.caughtUp && control.revisions.applied !== undefined ? true : undefined),
    'all there is',
  );
  await control.close();
});
after(async () => {
  await hub?.close();
  await rm(folder, { recursive: true, force: true });
});

test('it is not ready by its keys alone: first it knows who is revoked', async () => {
  const directory = await mkdtemp(join(folder, 'w'));
  // Keys are known at once, membership is not.
  await copyFile(join(left, 'revision'), join(directory, 'revision'));
  const { listener, revoked, keys } = createListener();
  const source = hub.createSource('w2', directory);
  await source.start(listener);
  assert.deepEqual([keys, revoked], [['https://edge.test'], [{ tenant: 'acme', device: 'a' }]]);
  await source.stop();
  assert.equal((await loadStateFiles(join(directory, 'membership'))).length > 0, true, 'a copy for the next start');
});

test('with all of it on disk it needs nobody, and says when it knows all that there is', async () => {
  await hub.installation.server.kill();
  const { listener, revoked, current } = createListener();
  const source = hub.createSource('w1', left);
  await source.start(listener);
  assert.deepEqual(revoked, [{ tenant: 'acme', device: 'a' }]);
  const becomes = (...all: boolean[]) =>
    eventually(async () => current.join() === all.join() || undefined, `it says ${all}, not ${current}`);
  await becomes();
  await hub.installation.server.start();
  await becomes(true);
  await hub.installation.server.kill();
  await becomes(true, false);
  await hub.installation.server.start();
  await becomes(true, false, true);
  await source.stop();
});
