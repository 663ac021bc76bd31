import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askWorker } from '#pop-worker/admin/client.ts';
import { announcedWorld, ROUTING } from './testing/announced-world.ts';
import { EDGE4, needsNamespaces } from './testing/world.ts';

test('a worker announces what its PoP is to, withdraws by order, and drains', { skip: needsNamespaces }, async (t) => {
  const { world, router, routing, status, received, becomes } = await announcedWorld(t);
  const { prefixes, neighbors, checks, announcement } = await status();
  assert.deepEqual([prefixes, neighbors.map(({ name }) => name)], [['192.0.2.0/24'], ['transit']]);
  assert.deepEqual(announcement, { isAnnounced: true, preference: 10, isLeaving: false });
  assert.ok(
    checks.every(({ name, state }) => state === 'holds' || name === 'neighbors'),
    JSON.stringify(checks),
  );
  assert.equal(await world.metric('cloudbridge_anycast_state_count{state="announced"}'), 1);
  assert.equal(await world.metric('cloudbridge_bgp_neighbours_count{state="established"}'), 1);
  await askWorker(world.socket, 'withdraw');
  await becomes('withdrawn');
  await world.until('it is withdrawn', async () => (await received()) === 3);
  await askWorker(world.socket, 'undrain');
  await becomes('announced');
  await world.until('it is told again', async () => (await received()) === 4);
  await askWorker(world.socket, 'drain');
  await world.until('it is told as leaving, then withdrawn', async () => (await received()) === 6);
  await becomes('drained');
  assert.deepEqual((await status()).drain?.ended, 'moved');
  assert.equal(await world.metric('cloudbridge_anycast_drains_total{end="moved"}'), 1);
  assert.equal(await world.metric('cloudbridge_anycast_withdrawals_total{cause="order"}'), 2);
  assert.equal((await router.status()).sessions, 1, 'one session all the time');
  // Whoever counts its sessions when the order is taken back must not order it again.
  for (let round = 0; round < 8; round++) {
    await askWorker(world.socket, 'drain');
    await askWorker(world.socket, 'undrain');
  }
  await becomes('announced');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await becomes('announced');
  // Another prefix, and what is told of both.
  const more = { id: 'more', prefix: '192.0.3.0/24' };
  const [neighbor] = ROUTING.neighbors;
  const lost = { pop: 'test', id: 'lost', address: 'fe80::9%nowhere', remoteAsn: 64_500 };
  const changed = { ...ROUTING, prefixes: [...ROUTING.prefixes, more], neighbors: [{ ...neighbor, prepend: 2 }, lost] };
  const before = await received();
  writeFileSync(routing, JSON.stringify(changed));
  world.worker?.kill('SIGHUP');
  await world.until('both are told', async () => (await received()) >= before + 2);
  const [refused] = (await status()).refused;
  assert.deepEqual([refused?.name, refused?.address], ['lost', 'fe80::9%nowhere']);
  assert.equal(await world.metric('cloudbridge_anycast_refused_neighbors_count'), 1);
  assert.equal((await router.status()).sessions, 1);
  assert.equal(await world.endWorker('SIGTERM'), 0);
  await world.until('why', () => router.endings.includes('received Cease, Administrative Shutdown: the worker ends'));
});

test('a worker whose data plane does not answer withdraws, and comes back when it does', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, becomes, received } = await announcedWorld(t);
  await world.exec(world.workerNamespace, 'ip', 'address', 'delete', `${EDGE4}/32`, 'dev', 'lo');
  await becomes('failed');
  await world.until('it is withdrawn', async () => (await received()) === 3);
  assert.equal(await world.metric('cloudbridge_anycast_check_failed_count{check="forwarding"}'), 1);
  assert.equal(await world.metric('cloudbridge_anycast_withdrawals_total{cause="check"}'), 1);
  await world.exec(world.workerNamespace, 'ip', 'address', 'add', `${EDGE4}/32`, 'dev', 'lo');
  await becomes('announced');
});

test('a data-plane thread that is stuck is withdrawn at once', { skip: needsNamespaces }, async (t) => {
  const wedge = fileURLToPath(new URL('testing/wedge.ts', import.meta.url));
  const { world, becomes, router, status } = await announcedWorld(t, { nodeArgs: ['--import', wedge] });
  const start = performance.now();
  writeFileSync(path.join(world.folder, 'wedged'), '');
  await becomes('failed');
  assert.ok(performance.now() - start < 5000);
  const failed = (await status()).checks.filter(({ name, state }) => state === 'failed' && name !== 'neighbors');
  assert.ok(
    failed.some(({ reason }) => reason === 'a data-plane thread is stuck'),
    JSON.stringify(failed),
  );
  rmSync(path.join(world.folder, 'wedged'));
  await becomes('announced');
  await router.up();
});

test('a BGP thread that is stuck, and could withdraw nothing, is seen by BFD', { skip: needsNamespaces }, async (t) => {
  const wedge = fileURLToPath(new URL('testing/wedge.ts', import.meta.url));
  const { world, router, bfdUp } = await announcedWorld(t, { nodeArgs: ['--import', wedge] });
  await bfdUp();
  writeFileSync(path.join(world.folder, 'wedged-bgp'), '');
  await world.until('the router has noticed', () => router.endings.some((text) => /BFD has found/.test(text)));
  assert.equal(await world.metric('cloudbridge_bfd_missed_beats_total{thread="bgp"}'), 1);
  rmSync(path.join(world.folder, 'wedged-bgp'));
  await router.up();
  await bfdUp();
});

test('a worker that was stopped and goes on (SIGSTOP, SIGCONT) takes nobody for silent, and has its sessions again', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, becomes, router, status, bfdUp } = await announcedWorld(t);
  await bfdUp();
  world.worker?.kill('SIGSTOP');
  await world.until('the router has noticed', () => router.endings.some((text) => /BFD has found/.test(text)));
  world.worker?.kill('SIGCONT');
  await router.up();
  await becomes('announced');
  await bfdUp();
  const { checks, held } = await status();
  assert.deepEqual([checks.filter(({ name, state }) => state === 'failed' && name !== 'neighbors'), held], [[], 0]);
  assert.equal(await world.metric('cloudbridge_anycast_withdrawals_total{cause="check"}'), 0);
  assert.equal(await world.metric('cloudbridge_bfd_missed_beats_total{thread="data"}'), 0);
  assert.equal(await world.metric('cloudbridge_bfd_failures_total{reason="silence"}'), 0);
  assert.equal(await world.metric('cloudbridge_bfd_failures_total{reason="neighbour"}'), 1);
});

test('a time of day that jumps changes nothing', { skip: needsNamespaces }, async (t) => {
  const jumps = fileURLToPath(new URL('testing/clock-jumps.ts', import.meta.url));
  const { world, router, status, bfdUp } = await announcedWorld(t, { nodeArgs: ['--import', jumps] });
  await bfdUp();
  writeFileSync(path.join(world.folder, 'jumping'), '');
  const sent = 'cloudbridge_bfd_packets_total{direction="sent"}';
  const before = await world.metric(sent);
  // Two seconds and more, of twenty jumps.
  await world.until('it goes on', async () => (await world.metric(sent)) > before + 50);
  const { state, checks } = await status();
  const failed = checks.filter((check) => check.state === 'failed' && check.name !== 'neighbors');
  assert.deepEqual([state, failed], ['announced', []]);
  for (const thread of ['main', 'data'])
    assert.equal(await world.metric(`cloudbridge_bfd_missed_beats_total{thread="${thread}"}`), 0);
  assert.equal(await world.metric('cloudbridge_anycast_withdrawals_total{cause="check"}'), 0);
  assert.ok(!router.endings.some((text) => text.includes('Hold Timer')));
  const { healthy } = (await askWorker(world.socket, 'status')) as { healthy: boolean };
  assert.equal(healthy, true);
});
