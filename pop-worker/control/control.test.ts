import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { StatusKey } from '#model/names.ts';
import { PresenceSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { TunnelState } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { eventually } from '#services/config/testing/client.ts';
import { readEvents } from '#services/config/testing/read-events.ts';
import type { Control } from './control.ts';
import { createTestHub, type TestHub } from './testing/hub.ts';

let hub: TestHub;
let control: Control;
let directory: string;
let send: TestHub['service']['send'];

before(async () => {
  hub = await createTestHub();
  ({ send } = hub.service);
  // Two copies publish at once; one wins each number.
  hub.startPublisher(hub.service);
  hub.startPublisher(await hub.installation.startCopy());
  await send('POST', '/v1/tenants', { id: 'acme' });
  await send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  await send('POST', '/v1/pops', { id: 'moscow' });
  await send('POST', '/v1/pops/moscow/workers', { id: 'w1' });
  ({ control, directory } = await hub.startWorker('w1'));
});
after(() => hub?.close());

const until = (look: () => boolean, what: string) => eventually(async () => (look() ? true : undefined), what);

test('membership and revisions reach the worker', async () => {
  await send('POST', '/v1/tenants/acme/devices', { id: 'a', network: 'n' });
  await until(() => control.state.device('acme', 'a') !== undefined, 'the device');
  assert.deepEqual(control.state.device('acme', 'a')?.ipv4, '10.64.0.2');
  await until(() => control.state.issuer === 'https://edge.test', 'the revision');
  await until(() => control.membership.caughtUp, 'all of membership');
  assert.ok(control.state.tenants.get('acme')?.includes('10.64.0.0/24'));
  const before = control.revisions.applied?.number ?? 0n;
  await send('POST', '/v1/tenants/acme/networks', { id: 'm', ipv4Pool: '10.65.0.0/24' });
  await until(() => (control.revisions.applied?.number ?? 0n) > before, 'a new revision');
  const number = String(control.revisions.applied?.number);
  await eventually(
    async () => ((await send('GET', `/v1/revisions/${number}`)).status === 200 ? true : undefined),
    'the API shows it',
  );
  const events = await eventually(async () => {
    const found = (await readEvents(hub.service.nats)).filter(({ subject }) =>
      subject.startsWith('cb.events._system.revision.'),
    );
    return found.some(({ subject }) => subject.endsWith(`.${number}`)) ? found : undefined;
  }, 'the event');
  assert.equal(
    new Set(events.map(({ subject }) => subject)).size,
    events.length,
    'each number once, although two publish',
  );
});

test('draining, revocation and deletion reach it', async () => {
  await send('POST', '/v1/pops/moscow/workers/w1/drain', {});
  await until(() => control.state.drain.length > 0, 'drain');
  await send('POST', '/v1/pops/moscow/workers/w1/undrain', {});
  await until(() => control.state.drain.length === 0, 'undrain');
  const revoked: unknown[] = [];
  control.state.listen({ onRevoked: (revocation) => revoked.push(revocation) });
  await send('POST', '/v1/tenants/acme/devices/a/revoke', { reason: 'stolen' });
  await until(() => control.state.isRevoked('acme', 'a', 'any'), 'the revocation');
  assert.deepEqual(revoked, [{ tenant: 'acme', device: 'a' }]);
  await send('POST', '/v1/tenants/acme/devices', { id: 'b', network: 'n' });
  await until(() => control.state.device('acme', 'b') !== undefined, 'the device');
  assert.equal(control.state.isRevoked('acme', 'b', 'any'), false);
  await send('DELETE', '/v1/tenants/acme/devices/b');
  await until(() => control.state.device('acme', 'b') === undefined, 'its end');
  assert.equal(control.state.isRevoked('acme', 'b', 'any'), true, 'a deleted device’s tokens are refused');
});

test('its status and who is connected show in the API and as events', async () => {
  const worker = await eventually(async () => {
    const { json } = await send('GET', '/v1/pops/moscow/workers/w1');
    return json.status?.revision === undefined ? undefined : json;
  }, 'the status');
  assert.deepEqual([worker.status.health, worker.status.sessions], ['HEALTH_SERVING', 7]);
  control.status.connected({ tenant: 'acme', device: 'a', ipv4: '10.64.0.2', ipv6: 'fd00::2' });
  control.status.disconnected('acme', 'a');
  const seen = await eventually(async () => {
    const found = (await readEvents(hub.service.nats))
      .map(({ subject }) => subject)
      .filter((subject) => /connected/.test(subject));
    return found.length >= 2 ? found : undefined;
  }, 'the events');
  assert.deepEqual(seen, ['cb.events.acme.device.connected.a', 'cb.events.acme.device.disconnected.a']);
});

test('what happened while NATS was away is caught up with', async () => {
  await send('POST', '/v1/tenants/acme/devices', { id: 'c', network: 'n' });
  await until(() => control.state.device('acme', 'c') !== undefined, 'the device');
  await hub.installation.server.kill();
  await until(() => !control.connected, 'it notices');
  control.status.connected({ tenant: 'acme', device: 'c', ipv4: '10.64.0.9', ipv6: 'fd00::9' });
  const { whereabouts } = control.status;
  for (const state of ['reached', 'lost', 'held'] as const)
    whereabouts.site({ tenant: 'acme', device: 'c', site: 'berlin', rank: 256, state });
  assert.ok(control.state.device('acme', 'c') !== undefined, 'it goes on with what it knows');
  await hub.installation.server.start();
  await eventually(
    async () => ((await send('POST', '/v1/tenants/acme/devices/c/revoke', {})).status === 200 ? true : undefined),
    'NATS is back',
  );
  await until(() => control.connected && control.state.isRevoked('acme', 'c', 'any'), 'the revocation');
  await eventually(async () => {
    const found = await readEvents(hub.service.nats);
    return found.some(({ subject }) => subject === 'cb.events.acme.device.connected.c') ? true : undefined;
  }, 'the event that waited');
  const site = await eventually(
    () => hub.service.app.stores.status.get(StatusKey.site('acme', 'c', 'moscow', 'w1')),
    'how its site is reached',
  );
  assert.equal(fromBinary(PresenceSchema, site.value).site?.state, TunnelState.HELD);
});

test('a worker that starts with no control plane at all serves what it last knew, and later catches up', async () => {
  await send('POST', '/v1/tenants/acme/devices', { id: 'd', network: 'n' });
  await until(() => control.state.device('acme', 'd') !== undefined, 'the device');
  const known = [...control.state.tenants];
  await control.close();
  await send('DELETE', '/v1/tenants/acme/devices/d');
  await hub.installation.server.kill();
  const { control: again } = await hub.startWorker('w1', directory);
  assert.deepEqual([...again.state.tenants], known);
  assert.equal(again.revisions.applied?.fromDisk, true);
  assert.equal(again.state.issuer, 'https://edge.test');
  assert.ok(again.state.device('acme', 'd') !== undefined);
  assert.ok(again.state.isRevoked('acme', 'a', 'any') && again.state.isRevoked('acme', 'b', 'any'));
  await hub.installation.server.start();
  await until(
    () => again.state.device('acme', 'd') === undefined && again.state.isRevoked('acme', 'd', 'x'),
    'the deletion',
  );
  await until(() => again.revisions.applied?.fromDisk === false, 'the revision is confirmed');
});
