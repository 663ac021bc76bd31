import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { connect } from '@nats-io/transport-node';
import { parse } from 'yaml';
import { Bucket, StatusKey } from '#model/names.ts';
import { serveAdminSocket } from '#pop-worker/admin/socket.ts';
import {
  ControlContactSchema,
  Health,
  LocalOrder,
  type WorkerStatus,
  WorkerStatusSchema,
} from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { eventually } from '#services/config/testing/client.ts';
import { Store } from '#services/store/store.ts';
import { createWorld, ended, type World } from '../testing/world.ts';

let world: World;
let store: Store;
let close: () => Promise<void>;

before(async () => {
  world = await createWorld();
  const nats = await connect({ servers: world.issuer.server.url });
  store = await Store.open(nats, Bucket.status);
  close = () => nats.close();
  const { keyFile } = await world.account('robot', 'operator');
  await good('login', '--server', world.api, '--service-account-key', keyFile, '--context', 'test');
  for (const pop of ['moscow', 'frankfurt', 'oslo']) await good('pop', 'create', pop);
  for (const worker of ['moscow/w1', 'moscow/w2', 'frankfurt/w1', 'frankfurt/w2'])
    await good('worker', 'create', worker);
  await good('worker', 'drain', 'frankfurt/w1');
  await report('moscow', 'w1', { health: Health.SERVING, sessions: 12, revision: 7n, control: { connected: true } });
  await report('moscow', 'w2', {
    health: Health.WITHDRAWN,
    localOrder: LocalOrder.WITHDRAW,
    sessions: 1,
    revision: 7n,
  });
  const refusedRevision = 'the signature of the revision is wrong';
  await report('frankfurt', 'w1', {
    health: Health.DRAINING,
    revision: 6n,
    fromDisk: true,
    control: { connected: true, refusedRevision },
  });
});
after(async () => {
  await close?.();
  await world.close();
});

const good = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await world.run(...args);
  assert.deepEqual([status, stderr], [0, ''], args.join(' '));
  return stdout;
};

type Said = Partial<Pick<WorkerStatus, 'health' | 'localOrder' | 'sessions' | 'revision' | 'fromDisk'>> & {
  readonly control?: MessageInitShape<typeof ControlContactSchema>;
};

/** As the worker itself does. */
const report = async (pop: string, worker: string, said: Said): Promise<void> => {
  const contact = create(ControlContactSchema, { connected: true, since: timestampNow(), ...said.control });
  const message = create(WorkerStatusSchema, { pop, worker, version: '1.2.3', ...said, control: contact });
  await store.commit([{ key: StatusKey.worker(pop, worker), value: toBinary(WorkerStatusSchema, message) }]);
};

const cells = (line: string | undefined): string[] => (line ?? '').split(/ {2,}/);

test('the whole edge as a table whose columns line up', async () => {
  const lines = (await good('status')).trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^http:\/\/127\.0\.0\.1:\d+ at 20\d\d-.*Z$/);
  assert.equal(
    lines[1],
    '3 PoPs · 4 workers (1 draining, 1 unseen, 1 serving, 1 withdrawn) · 13 sessions · revision 7 (1 worker behind)',
  );
  assert.equal(lines[2], '');
  const [heading = '', ...rows] = lines.slice(3);
  assert.deepEqual(cells(heading), [
    'POP',
    'WORKER',
    'HEALTH',
    'SESSIONS',
    'REVISION',
    'CONTROL PLANE',
    'SEEN',
    'VERSION',
    'NOTE',
  ]);
  const seen = heading.indexOf('SEEN');
  for (const row of rows.slice(0, 4)) assert.match(row.slice(seen - 2, seen + 5), /^ {2}(\d+ s|never)/, row);
  assert.deepEqual(
    rows.map((row) => cells(row).slice(0, 3)),
    [
      ['frankfurt', 'w1', 'draining'],
      ['frankfurt', 'w2', 'unseen'],
      ['moscow', 'w1', 'serving'],
      ['moscow', 'w2', 'withdrawn'],
      ['oslo', 'none'],
    ],
  );
  assert.match(
    rows[0] ?? '',
    / {2}0 +6 \(disk\) .*drain by the control plane; the signature of the revision is wrong$/,
  );
  assert.match(rows[2] ?? '', / 12 +7 +connected +\d+ s ago +1\.2\.3$/);
  assert.match(rows[3] ?? '', /withdraw at its machine$/);
});

test('for programs as JSON, a line of it, and YAML', async () => {
  const json = JSON.parse(await good('status', '-o', 'json'));
  assert.deepEqual([json.from, json.sessions, json.pops], ['api', 13, ['frankfurt', 'moscow', 'oslo']]);
  const { seenTime, control, ...draining } = json.workers[0];
  assert.ok(Date.now() - Date.parse(seenTime) < 60_000 && control.connected === true);
  assert.deepEqual(draining, {
    pop: 'frankfurt',
    id: 'w1',
    condition: 'draining',
    orders: ['drain by the control plane'],
    sessions: 0,
    revision: '6',
    fromDisk: true,
    version: '1.2.3',
    problem: 'the signature of the revision is wrong',
  });
  assert.equal((await good('status', '--json')).trimEnd().split('\n').length, 1);
  assert.equal(parse(await good('status', '-o', 'yaml')).workers.length, 4);
});

test('a worker that has failed is a failure', async () => {
  await report('moscow', 'w1', { health: Health.FAILED, sessions: 12, revision: 7n });
  const { status, stdout } = await world.run('status');
  assert.equal(status, 1);
  assert.match(stdout, /1 failed/);
  assert.match(stdout, / · 1 session · /, 'what it said last of sessions does not count');
  await report('moscow', 'w1', { health: Health.SERVING, sessions: 12, revision: 7n });
});

test('it is watched until Ctrl-C: a block for each time, and what changes shows', async () => {
  const child = world.start({}, 'status', '--watch');
  const ending = ended(child);
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  await eventually(async () => text.includes('13 sessions') || undefined, 'the first block');
  await report('moscow', 'w1', { health: Health.SERVING, sessions: 40, revision: 8n });
  await eventually(async () => text.includes('41 sessions · revision 8') || undefined, 'the change');
  child.kill('SIGINT');
  const { status, stdout, stderr } = await ending;
  assert.deepEqual([status, stderr], [0, '']);
  const blocks = stdout.split('\n\nhttp://');
  assert.ok(blocks.length >= 2);
  assert.equal(stripVTControlCharacters(stdout), stdout);
  assert.match(stdout, /oslo +none\n$/);
});

test('a watch goes on while the API is away, and says so; --json gives a line each time', async () => {
  const listener = await world.listen({ host: '127.0.0.1', port: 0 });
  const { keyFile } = await world.account('watcher', 'operator');
  const server = `http://127.0.0.1:${listener.port}`;
  const env = {
    CBR_SERVER: server,
    CBR_SERVICE_ACCOUNT_KEY: keyFile,
    CBR_ISSUER: world.issuer.url,
    CBR_PROJECT: world.issuer.identity.settings.projectId,
  };
  const child = world.start(env, 'status', '--watch', '--json');
  const ending = ended(child);
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  const lines = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  await eventually(async () => lines().length > 0 || undefined, 'the first line');
  await listener.close(0);
  const stale = await eventually(async () => lines().find(({ remark }) => remark !== null), 'that it is away');
  assert.match(stale.remark, /cannot be reached \(ECONNREFUSED\).*Below is what was seen before\.$/);
  assert.equal(stale.workers.length, 4);
  child.kill('SIGTERM');
  const { status, stderr } = await ending;
  assert.deepEqual([status, stderr], [0, '']);
});

const ANSWER = {
  version: '1.2.3',
  pop: 'moscow',
  worker: 'w1',
  state: 'ready',
  orders: { controlPlane: 'serve', local: 'serve' },
  healthy: true,
  upSeconds: 1,
  sessions: 5,
  connections: 5,
  tenants: 1,
  control: { revision: '7', fromDisk: true, connected: false, since: new Date(Date.now() - 180_000).toISOString() },
};

test('without API and NATS the workers here are asked themselves', async (t) => {
  const folder = path.join(world.home, 'sockets');
  mkdirSync(folder);
  const at = (name: string): string => path.join(folder, name);
  const servers = [
    await serveAdminSocket(at('a'), 'worker', { status: () => ANSWER }),
    await serveAdminSocket(at('b'), 'worker', { status: () => ({ ...ANSWER, worker: 'w2', healthy: false }) }),
  ];
  t.after(() => {
    for (const server of servers) server.close();
  });
  const one = await world.run('status', '--socket', at('a'));
  assert.equal(one.status, 0, one.stderr);
  assert.match(one.stdout, /moscow +w1 +serving +5 +7 \(disk\) +gone for 3 min +0 s ago +1\.2\.3\n/);
  const all = await world.run('status', '--socket', at('a'), '--socket', at('b'), '--socket', at('c'), '-o', 'json');
  assert.equal(all.status, 1);
  const { workers, sessions, from } = JSON.parse(all.stdout);
  assert.deepEqual([from, sessions], ['sockets', 5]);
  const conditions = workers.map(({ id, condition }: { id: string; condition: string }) => [id, condition]);
  assert.deepEqual(conditions, [
    [at('c'), 'unreachable'],
    ['w1', 'serving'],
    ['w2', 'failed'],
  ]);
  assert.match(workers[0].problem, /^there is no socket/);
});

test('BFD that is not up is noted', async (t) => {
  const socket = path.join(world.home, 'bfd.sock');
  const pathTo = (remote: string, state: string) => ({ remote, state });
  const bfd = { realtime: true, paths: [pathTo('192.0.2.1', 'up'), pathTo('192.0.2.3', 'down')] };
  const { control: _, ...alone } = ANSWER;
  let answer: object = { ...alone, bfd };
  const server = await serveAdminSocket(socket, 'worker', { status: () => answer });
  t.after(() => server.close());
  const problem = async () => JSON.parse(await good('status', '--socket', socket, '-o', 'json')).workers[0].problem;
  assert.equal(await problem(), 'BFD is not up with 192.0.2.3');
  answer = { ...alone, bfd: { ...bfd, heldBy: 'main' } };
  assert.equal(await problem(), 'BFD is held down: a main thread is stuck');
  answer = { ...alone, bfd: { ...bfd, paths: bfd.paths.slice(0, 1) } };
  assert.equal(await problem(), null);
});

test('what cannot be meant is bad usage; a lab that is not there is said', async () => {
  const both = await world.run('status', '--name', 'x', '--socket', '/y');
  assert.deepEqual([both.status, both.stdout], [2, '']);
  const lab = await world.runWith({ CBR_HOME: world.home }, 'status', '--name', 'nolab');
  assert.equal(lab.status, 1);
  assert.match(lab.stderr, /There is no lab `nolab` here: `cloudbridge up --name nolab`/);
  const wrong = await world.run('status', '--name', '../x');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /is no name for a lab/);
});
