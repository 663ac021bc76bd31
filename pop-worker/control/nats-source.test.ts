import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DnsConfig } from '#model/dns.ts';
import type { MeshMembers } from '#model/mesh.ts';
import type { WorkerRouting } from '#model/routing.ts';
import type { Publisher } from '#services/config/publisher.ts';
import { eventually } from '#services/config/testing/client.ts';
import type { ControlView } from './describe.ts';
import type { ControlListener, Outlook, Revocation } from './source.ts';
import { loadStateFiles } from './state-file.ts';
import { SERVING } from './testing/condition.ts';
import { createTestHub, type TestHub } from './testing/hub.ts';

let hub: TestHub;
let publisher: Publisher;
let folder: string;
/** Where a worker left all that it knew. */
let left: string;

const createListener = () => {
  const revoked: Revocation[] = [];
  const keys: string[] = [];
  const current: boolean[] = [];
  const refused: (readonly string[])[] = [];
  const routings: WorkerRouting[] = [];
  const named: DnsConfig[] = [];
  const meshes: MeshMembers[] = [];
  const outlooks: Outlook[] = [];
  /** What its data plane has, and what it would lose. */
  const present = { tunnels: 0, cut: 0 };
  const listener: ControlListener = {
    tenant: () => undefined,
    keys: (_jwks, issuer) => void keys.push(issuer),
    refused: (prefixes) => void refused.push(prefixes),
    routing: (routing) => void routings.push(routing),
    dns: (dns) => void named.push(dns),
    mesh: (members) => void meshes.push(members),
    wireguardPeers: () => undefined,
    assess: async (outlook) => {
      outlooks.push(outlook);
      return present;
    },
    current: (isCurrent) => void current.push(isCurrent),
    revoke: (revocation) => void revoked.push(revocation),
    reinstate: () => undefined,
    setDrain: () => undefined,
    condition: () => SERVING,
    revocations: () => undefined,
  };
  return { listener, revoked, keys, current, refused, routings, named, meshes, outlooks, present };
};

before(async () => {
  hub = await createTestHub();
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-source-'));
  const { send } = hub.service;
  publisher = hub.startPublisher(hub.service);
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
  assert.equal(
    (await loadStateFiles(join(directory, 'membership'))).candidates.length > 0,
    true,
    'a copy for the next start',
  );
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

test('its number in the mesh is known before it starts, as soon as the control plane gives one, and from disk later', async () => {
  const { send } = hub.service;
  await send('POST', '/v1/pops', { id: 'moscow' });
  const directory = await mkdtemp(join(folder, 'w'));
  const source = hub.createSource('w4', directory);
  const asked = source.member();
  const { json } = await send('POST', '/v1/pops/moscow/workers', { id: 'w4', meshAddress: '203.0.113.4' });
  assert.equal(await asked, json.member);
  const { listener, meshes } = createListener();
  await source.start(listener);
  assert.deepEqual(meshes, [{ own: json.member, others: [] }]);
  const other = await send('POST', '/v1/pops/moscow/workers', { id: 'w5', meshAddress: '203.0.113.5' });
  await eventually(async () => meshes.length > 1 || undefined, 'it is told of the other one');
  const place = { member: other.json.member, name: 'w5.moscow.mesh', address: '203.0.113.5', port: 4443 };
  assert.deepEqual(meshes.at(-1), { own: json.member, others: [place] });
  await source.stop();
  await hub.installation.server.kill();
  const again = hub.createSource('w4', directory);
  assert.equal(await again.member(), json.member);
  await again.stop();
  await hub.installation.server.start();
});

test('a revision that would cut off too many waits until somebody forces it by the API', async () => {
  const { send } = hub.service;
  const { listener, current, refused, outlooks, present } = createListener();
  const source = hub.createSource('w3', await mkdtemp(join(folder, 'w')));
  await source.start(listener);
  const until = (look: () => boolean, what: string) => eventually(async () => look() || undefined, what);
  const view = () => source.view() as ControlView;
  await until(() => current.at(-1) === true, 'it is up to date');
  const before = view().revision;
  Object.assign(present, { tunnels: 10, cut: 1 });
  // The service comes back with another configuration, as after a restart.
  await publisher.close();
  publisher = hub.startPublisher(hub.service, { refusedPrefixes: ['203.0.113.0/24'] });
  await until(() => view().contact.refusedRevision !== '', 'it is refused');
  assert.deepEqual([view().revision, refused, current.at(-1)], [before, [], false]);
  assert.deepEqual(outlooks.at(-1), { tenants: new Map(), refused: ['203.0.113.0/24'] });
  const number = before + 1n;
  assert.match(
    view().contact.refusedRevision,
    new RegExp(
      `^revision ${number} would cut 10 % of the sessions here, more than 5 %: force it \\(POST /v1/revisions/${number}/force\\)`,
    ),
  );
  await eventually(async () => {
    // The worker may hear of it before the API shows it.
    const { status } = await send('POST', `/v1/revisions/${number}/force`, { reason: 'that network is hostile' });
    return status === 200 || undefined;
  }, 'it is forced');
  await until(() => view().revision === number + 1n, 'the forced one is taken');
  assert.deepEqual(refused, [['203.0.113.0/24']]);
  await until(() => current.at(-1) === true, 'it is up to date again');
  assert.equal(view().contact.refusedRevision, '');
  await source.stop();
});

test('a revision that nobody forces is taken once those whom it would cut off have gone', async () => {
  const { listener, refused, present } = createListener();
  const source = hub.createSource('w4', await mkdtemp(join(folder, 'w')));
  await source.start(listener);
  Object.assign(present, { tunnels: 2, cut: 2 });
  await publisher.close();
  publisher = hub.startPublisher(hub.service, { refusedPrefixes: ['198.51.100.0/24'] });
  await eventually(async () => source.view()?.contact.refusedRevision || undefined, 'it is refused');
  Object.assign(present, { tunnels: 0, cut: 0 });
  await eventually(
    async () => refused.some((prefixes) => prefixes[0] === '198.51.100.0/24') || undefined,
    'it is taken',
  );
  await source.stop();
});

test('a worker hears what its PoP is to announce, and again what was changed', async () => {
  const { listener, routings } = createListener();
  const { send } = hub.service;
  const source = hub.createSource('w5', await mkdtemp(join(folder, 'w')));
  await source.start(listener);
  assert.equal(routings.length, 0, 'nothing was said yet');
  await send('POST', '/v1/pops', { id: 'moscow' });
  await send('POST', '/v1/prefixes', { id: 'service', prefix: '192.0.2.0/24' });
  const router = { id: 'transit', address: '198.51.100.1', remoteAsn: 64_500 };
  assert.equal((await send('POST', '/v1/pops/moscow/bgp-neighbors', router)).status, 201);
  await eventually(async () => routings.at(-1)?.neighbors[0]?.id === 'transit' || undefined, 'the neighbour');
  assert.deepEqual(
    routings.at(-1)?.prefixes.map(({ prefix }) => prefix),
    ['192.0.2.0/24'],
  );
  const policy = { id: 'some', rules: [{ name: 'few', match: { prefixes: ['192.0.2.0/24'] }, end: 'accept' }] };
  assert.equal((await send('POST', '/v1/route-policies', policy)).status, 201);
  await send('PATCH', '/v1/pops/moscow/bgp-neighbors/transit', { exportPolicy: 'some' });
  const ruleOf = () => routings.at(-1)?.policies.ruleSets['some']?.[0];
  await eventually(async () => ruleOf()?.name === 'few' || undefined, 'its policy');
  assert.equal(routings.at(-1)?.neighbors[0]?.exportPolicy, 'some');
  await send('PATCH', '/v1/route-policies/some', { rules: [{ name: 'none', end: 'reject' }] });
  await eventually(async () => ruleOf()?.name === 'none' || undefined, 'what became of it');
  await send('PATCH', '/v1/pops/moscow/bgp-neighbors/transit', { disabled: true });
  await eventually(async () => routings.at(-1)?.neighbors.length === 0 || undefined, 'that it is disabled');
  await source.stop();
});

test('a worker hears what names lead to, and which workers serve', async () => {
  const { listener, named } = createListener();
  const { send } = hub.service;
  const source = hub.createSource('w6', await mkdtemp(join(folder, 'w')), { followsFleet: true });
  await source.start(listener);
  assert.equal(named.length, 0, 'nothing was said yet');
  await send('POST', '/v1/pops', { id: 'kazan', addresses: ['198.51.100.9'] });
  await send('POST', '/v1/dns-places', { id: 'volga', prefixes: ['203.0.113.0/24'], pops: ['kazan'] });
  const zone = { id: 'edge', domain: 'edge.example', nameServers: ['ns.example'], services: ['www.edge.example'] };
  assert.equal((await send('POST', '/v1/dns-zones', zone)).status, 201);
  await eventually(async () => named.length > 0 || undefined, 'the zone');
  const [dns] = named;
  assert.deepEqual(dns?.zones, [
    {
      ...{ domain: 'edge.example', mailbox: 'hostmaster.edge.example', nameServers: ['ns.example'], ttlSeconds: 30 },
      ...{ services: ['www.edge.example'], records: [] },
    },
  ]);
  assert.deepEqual(dns?.places[0]?.pops, ['kazan']);
  assert.deepEqual(dns?.pops.find(({ id }) => id === 'kazan')?.addresses, ['198.51.100.9']);
  await send('PATCH', '/v1/pops/kazan', { addresses: ['198.51.100.10'] });
  const addresses = () => named.at(-1)?.pops.find(({ id }) => id === 'kazan')?.addresses[0];
  await eventually(async () => addresses() === '198.51.100.10' || undefined, 'its other address');
  const own = () => source.fleet().workers.find(({ worker }) => worker === 'w6');
  await eventually(async () => own()?.serves, 'itself among the workers');
  assert.ok(source.fleet().isCurrent && (own()?.silentMs ?? 1e9) < 5000);
  await send('DELETE', '/v1/dns-zones/edge');
  await eventually(async () => named.at(-1)?.zones.length === 0 || undefined, 'the end of the zone');
  await source.stop();
  assert.deepEqual(source.fleet().isCurrent, false);
});
