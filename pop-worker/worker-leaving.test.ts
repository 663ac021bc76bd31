import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askWorker } from '#pop-worker/admin/client.ts';
import { announcedWorld } from './testing/announced-world.ts';
import { deviceOf, EDGE4, needsNamespaces } from './testing/world.ts';

const GRACEFUL_SHUTDOWN = 'graceful-shutdown';

test('a stop is as gentle as a drain, with nobody there too: it leaves first, and then withdraws', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, told, router } = await announcedWorld(t);
  assert.deepEqual(await told(), { '192.0.2.0/24': '64512:1' });
  const ended = world.endWorker('SIGTERM');
  await world.until('it is told as leaving', async () => {
    return (await told())['192.0.2.0/24']?.includes(GRACEFUL_SHUTDOWN) === true;
  });
  const start = performance.now();
  await world.until('it is withdrawn', async () => (await told())['192.0.2.0/24'] === undefined);
  assert.ok(performance.now() - start > 500, 'routers have a second to hear of it');
  assert.equal(await ended, 0);
  await world.until('why', () => router.endings.includes('received Cease, Administrative Shutdown: the worker ends'));
});

test('devices are told to go after routing was told to lead elsewhere, and a stop takes no longer than it may', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, told } = await announcedWorld(t);
  const device = await world.connect(deviceOf('red', 2));
  await device.reports.of('up');
  let leavesFirst = false;
  const leaving = world.until('it is told as leaving', async () => {
    const isGone = device.reports.all.some(({ type }) => type === 'goaway');
    if ((await told())['192.0.2.0/24']?.includes(GRACEFUL_SHUTDOWN) !== true) return false;
    leavesFirst = !isGone;
    return true;
  });
  const start = performance.now();
  const ended = world.endWorker('SIGTERM');
  await leaving;
  assert.ok(leavesFirst);
  await device.reports.of('goaway');
  assert.equal(await ended, 0);
  assert.ok(performance.now() - start < 6000, 'drain_seconds is 2');
});

test('neither a drain nor a stop announces again what an operator or a check has withdrawn', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, told, received, becomes, whole } = await announcedWorld(t);
  await askWorker(world.socket, 'withdraw');
  await world.until('it is withdrawn', async () => (await told())['192.0.2.0/24'] === undefined);
  const before = await received();
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.equal(await received(), before, 'a stop tells nothing of it');
  world.log.length = 0;
  await world.startWorker();
  assert.equal((await whole()).state, 'withdrawn', 'the order is kept');
  await askWorker(world.socket, 'undrain');
  await world.until('it is told', async () => (await told())['192.0.2.0/24'] !== undefined);
  await world.exec(world.workerNamespace, 'ip', 'address', 'delete', `${EDGE4}/32`, 'dev', 'lo');
  await becomes('failed');
  await world.until('it is withdrawn', async () => (await told())['192.0.2.0/24'] === undefined);
  const failed = await received();
  await askWorker(world.socket, 'drain');
  assert.equal((await whole()).state, 'draining');
  await world.exec(world.workerNamespace, 'ip', 'address', 'add', `${EDGE4}/32`, 'dev', 'lo');
  await becomes('drained');
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.equal(await received(), failed, 'nor do a drain and what holds again meanwhile');
});
