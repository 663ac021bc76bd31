import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Listener } from '#services/api/node.ts';
import { eventually } from '#services/config/testing/client.ts';
import { createWorld, ended, type Ran, type World } from '../testing/world.ts';

let world: World;
let listener: Listener;
let env: { readonly CBR_SERVER: string; readonly CBR_SERVICE_ACCOUNT_KEY: string };

before(async () => {
  world = await createWorld();
  const { keyFile } = await world.account('robot', 'operator');
  listener = await world.listen({ host: '127.0.0.1', port: 0 });
  env = { CBR_SERVER: `http://127.0.0.1:${listener.port}`, CBR_SERVICE_ACCOUNT_KEY: keyFile };
});
after(() => world.close());

/** A tail in a process of its own, and what it said so far. */
const startTail = (...args: string[]) => {
  const child = world.start(env, 'event', 'tail', ...args);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk) => {
      said[name] += String(chunk);
    });
  const end = ended(child);
  const says = (name: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> =>
    eventually(async () => pattern.exec(said[name]) ?? undefined, `${pattern} on ${name}: ${JSON.stringify(said)}`);
  const stop = (): Promise<Ran> => {
    child.kill('SIGINT');
    return end;
  };
  return { says, stop };
};
const create = async (...args: string[]): Promise<void> => {
  const { status, stderr } = await world.runWith({ ...env, CBR_SERVER: world.api }, ...args);
  assert.equal(status, 0, stderr);
};

test('events come once each, over a connection that breaks, and later from where it ended', async () => {
  const tail = startTail();
  await tail.says('stderr', /Following events after position \d+\./);
  await create('tenant', 'create', 'acme');
  await tail.says('stdout', /tenant\.created +acme {2}acme {2}by \d+\n/);
  const { port } = listener;
  await listener.close(0);
  await tail.says('stderr', /Next try in 0\.5 s\./);
  await create('network', 'create', 'acme/office', '--ipv4-pool', '10.64.0.0/24');
  listener = await world.listen({ host: '127.0.0.1', port });
  await tail.says('stdout', /network\.created +acme {2}office/);
  const first = await tail.stop();
  assert.equal(first.status, 0);
  assert.equal(first.stdout.trimEnd().split('\n').length, 2, first.stdout);
  const position = /Go on with --since (\d+)\./.exec(first.stderr)?.[1] ?? '';
  await create('pop', 'create', 'moscow');
  await create('worker', 'create', 'moscow/w1');
  const again = startTail('--since', position, '--json');
  await again.says('stdout', /worker\.created/);
  const lines = (await again.stop()).stdout.trimEnd().split('\n');
  const told = lines.map((line) => JSON.parse(line) as { type: string; position: string; workerCreated?: object });
  assert.deepEqual(
    told.map(({ type }) => type),
    ['pop.created', 'worker.created'],
  );
  assert.ok(told.every((each) => Number(each.position) > Number(position)));
  assert.deepEqual(Object.keys(told[1] ?? {}).sort(), [
    'actor',
    'id',
    'position',
    'tenant',
    'time',
    'type',
    'workerCreated',
  ]);
});

test('what cannot be followed is told at once', async () => {
  for (const [args, more, status, pattern] of [
    [['--since', 'yesterday'], {}, 2, /--since takes the position of an event/],
    [['--since', '99999999'], {}, 1, /position 99999999 is not among them.* \(POSITION_NOT_KEPT\)/],
    [['--tenant', 'lost'], {}, 1, /Tenant "lost" does not exist/],
    [[], { CBR_SERVER: 'http://127.0.0.1:9', CBR_TOKEN: 'x' }, 1, /cannot be reached \(ECONNREFUSED\)/],
    [['--since', '1'], { CBR_SERVER: 'http://127.0.0.1:9', CBR_TOKEN: 'x' }, 1, /cannot be reached/],
    [[], { CBR_TOKEN: 'x.y.z' }, 1, /sign in with `cloudbridge login`/],
  ] as const) {
    const ran = await ended(world.start({ ...env, ...more }, 'event', 'tail', ...args));
    assert.deepEqual([ran.status, ran.stdout], [status, ''], ran.stderr);
    assert.match(ran.stderr, pattern);
  }
  assert.deepEqual(world.reports, []);
});
