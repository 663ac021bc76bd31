import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { StatusKey } from '#model/names.ts';
import { Health, LocalOrder, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let copy: Copy;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  await copy.send('POST', '/v1/pops', { id: 'moscow' });
  for (const id of ['w1', 'w2']) await copy.send('POST', '/v1/pops/moscow/workers', { id });
});
after(() => installation?.close());

const report = (status: MessageInitShape<typeof WorkerStatusSchema>): Promise<unknown> => {
  const value = toBinary(WorkerStatusSchema, create(WorkerStatusSchema, { pop: 'moscow', worker: 'w1', ...status }));
  return copy.app.stores.status.commit([{ key: StatusKey.worker('moscow', 'w1'), value }]);
};
const read = async () => (await copy.send('GET', '/v1/pops/moscow/workers/w1')).json;

test('a worker that never reported has no status', async () => {
  assert.equal((await read()).status, undefined);
});

test('what a worker reported shows beside what it should do, in a list as well', async () => {
  await report({
    health: Health.WITHDRAWN,
    localOrder: LocalOrder.WITHDRAW,
    version: '1.2.3',
    revision: 7n,
    sessions: 3,
    control: { connected: true, refusedRevisions: { signature: 2 }, lastError: 'e' },
  });
  await copy.send('POST', '/v1/pops/moscow/workers/w1/drain', {});
  const { drain, status } = await read();
  const { reportTime, ...rest } = status;
  assert.equal(drain, true);
  assert.ok(Math.abs(Date.parse(reportTime) - Date.now()) < 10_000, reportTime);
  assert.deepEqual(rest, {
    pop: 'moscow',
    worker: 'w1',
    health: 'HEALTH_WITHDRAWN',
    localOrder: 'LOCAL_ORDER_WITHDRAW',
    version: '1.2.3',
    revision: '7',
    connected: true,
    sessions: 3,
    control: { connected: true, refusedRevisions: { signature: 2 }, lastError: 'e' },
  });
  const { workers } = (await copy.send('GET', '/v1/pops/moscow/workers')).json;
  const reported = workers.map(({ id, status: one }: { id: string; status?: object }) => [id, one !== undefined]);
  assert.deepEqual(Object.fromEntries(reported), { w1: true, w2: false });
});

test('a worker that fell silent is told by that, with what it said last', async (t) => {
  await report({ health: Health.SERVING, sessions: 5 });
  assert.equal((await read()).status.connected, true);
  const now = Date.now();
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['Date'], now: now + 14_000 });
  assert.equal((await read()).status.connected, true);
  mock.timers.setTime(now + 16_000);
  const { connected, sessions, health, reportTime } = (await read()).status;
  assert.deepEqual([connected, sessions, health], [undefined, 5, 'HEALTH_SERVING']);
  assert.ok(Math.abs(Date.parse(reportTime) - now) < 5000);
});

test('one that has stopped is not connected, however fresh its last word', async () => {
  await report({ health: Health.STOPPED });
  const { status } = await read();
  assert.deepEqual([status.connected, status.health], [undefined, 'HEALTH_STOPPED']);
});

test('nobody sets a status by the API', async () => {
  const status = { health: 'HEALTH_SERVING' };
  const { json } = await copy.send('POST', '/v1/pops/moscow/workers', { id: 'w3', status });
  assert.equal(json.status, undefined);
});

test('the API’s description has it, for reading only', async () => {
  const { json } = await copy.send('GET', '/openapi-3.1.json');
  const { Worker, WorkerStatus, ControlContact } = json.components.schemas;
  assert.equal(Worker.properties.status.readOnly, true);
  assert.ok(WorkerStatus.properties.health.enum.includes('HEALTH_WITHDRAWN'));
  assert.equal(ControlContact.properties.lastContactTime.format, 'date-time');
  assert.deepEqual(ControlContact.properties.refusedRevisions.type, 'object');
});
