import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askWorker } from '#pop-worker/admin/client.ts';
import type { WorkerStatus } from '#pop-worker/worker-status.ts';
import { startHub } from './testing/control-plane.ts';
import { EDGE4, needsNamespaces, World } from './testing/world.ts';

const FAILED = (check: string) => `cloudbridge_anycast_check_failed_count{check="${check}"}`;
const WITHDRAWALS = 'cloudbridge_anycast_withdrawals_total{cause="check"}';
const OURS = '203.0.113.1';

/** A worker with a control plane that is to announce a prefix, and answers for a zone. @param checks lines of TOML */
const controlled = async (t: Parameters<typeof startHub>[0], checks: string) => {
  const world = new World(t);
  await world.network();
  const top = `[bgp]\nrouter_id = "${OURS}"\nstep_seconds = 0\n[dns]\nlisten = ["${OURS}:53"]\n[checks]\n${checks}`;
  await world.configure({ top });
  const { send, ...hub } = await startHub(t, world);
  await send('POST', '/v1/tenants', { id: 'red' });
  await send('POST', '/v1/tenants/red/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  await send('POST', '/v1/pops', { id: 'test', addresses: [EDGE4] });
  await send('POST', '/v1/pops', { id: 'oslo', addresses: ['198.51.100.2'] });
  await send('POST', '/v1/pops/test/workers', { id: 'w1' });
  await send('POST', '/v1/prefixes', { id: 'service', prefix: '192.0.2.0/24' });
  const zone = { id: 'edge', domain: 'edge.example', nameServers: ['ns.example'], services: ['www.edge.example'] };
  await send('POST', '/v1/dns-zones', zone);
  world.control(hub);
  await world.startWorker();
  const status = async () => (await askWorker(world.socket, 'status')) as WorkerStatus;
  const is = (state: WorkerStatus['state']) =>
    world.until(`it is ${state}`, async () => (await status()).state === state);
  const health = async (): Promise<unknown> => {
    const { json } = await send('GET', '/v1/pops/test/workers/w1');
    return (json as { status?: Record<string, unknown> }).status?.['health'];
  };
  const isWell = async (): Promise<boolean | undefined> =>
    (await status()).dns?.pops.find(({ id }) => id === 'test')?.isWell;
  await is('ready');
  await world.until('names lead here', async () => (await isWell()) === true);
  return { world, send, status, is, health, isWell };
};

test('a worker that its own checks have withdrawn says so everywhere, and names lead elsewhere', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, status, is, health, isWell } = await controlled(t, '');
  assert.deepEqual(await world.admin('/readyz'), { status: 200, text: 'ready\n' });
  await world.until('the API knows', async () => (await health()) === 'HEALTH_SERVING');
  await world.exec(world.workerNamespace, 'ip', 'address', 'delete', `${EDGE4}/32`, 'dev', 'lo');
  await is('failed');
  const { reason = '', healthy } = await status();
  assert.match(reason, /^192\.0\.2\.1 (gave no answer|cannot be asked)/);
  assert.equal(healthy, true, 'its threads live');
  const { status: code, text } = await world.admin('/readyz');
  assert.equal(code, 503);
  assert.match(text, /^failed: 192\.0\.2\.1 /);
  assert.equal((await world.admin('/healthz')).status, 200);
  assert.match(await world.command('status'), /^state +failed: 192\.0\.2\.1 /m);
  assert.equal(await world.metric('cloudbridge_worker_state_count{state="failed"}'), 1);
  await world.until('names lead elsewhere', async () => (await isWell()) === false);
  await world.until('the API knows', async () => (await health()) === 'HEALTH_FAILED');
  await world.exec(world.workerNamespace, 'ip', 'address', 'add', `${EDGE4}/32`, 'dev', 'lo');
  await is('ready');
  assert.deepEqual(await world.admin('/readyz'), { status: 200, text: 'ready\n' });
  await world.until('names lead here', async () => (await isWell()) === true);
  await world.until('the API knows', async () => (await health()) === 'HEALTH_SERVING');
});

test('a worker that is cut off from NATS goes on, and its check says so', { skip: needsNamespaces }, async (t) => {
  const { world, send, status } = await controlled(t, 'control_silent_seconds = 6');
  assert.equal(await world.metric(FAILED('control')), 0);
  await send('NATS', 'kill');
  await world.until('it shows', async () => (await world.metric(FAILED('control'))) === 1, 20_000);
  const { state, anycast } = await status();
  const control = anycast?.checks.find(({ name }) => name === 'control');
  assert.match(control?.reason ?? '', /^nothing was heard of the control plane for \d+ s$/);
  assert.deepEqual([state, anycast?.state], ['ready', 'announced'], 'fail static');
  assert.equal(await world.metric(WITHDRAWALS), 0);
  assert.equal(await world.metric(FAILED('revision')), 0);
  await send('NATS', 'start');
  await world.until('it hears it again', async () => (await world.metric(FAILED('control'))) === 0, 20_000);
});

test('a worker may be told to withdraw for desired state of long ago; the last one goes on all the same', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, send, status } = await controlled(t, 'revision_age_seconds = 8');
  await send('NATS', 'kill');
  await world.until('it is the last one', async () => (await status()).anycast?.state === 'last', 20_000);
  const { state, reason = '' } = await status();
  assert.equal(state, 'ready');
  assert.match(reason, /^desired state is of \d+ s ago$/);
  assert.equal(await world.metric(FAILED('revision')), 1);
});
