import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MeshWorlds } from './testing/mesh-worlds.ts';
import { deviceOf, EDGE4, INTERNET4, needsNamespaces, type TestDevice, World } from './testing/world.ts';

const ONE_CONNECTION = fileURLToPath(new URL('testing/one-connection.ts', import.meta.url));
const SLOW_TALKER = fileURLToPath(new URL('testing/slow-talker.ts', import.meta.url));
const POOL = '203.0.113.64/28';

const connected = async (world: World, tenant: 'red' | 'blue', n: number): Promise<TestDevice> => {
  const device = await world.connect(deviceOf(tenant, n), EDGE4);
  await device.reports.of('up');
  return device;
};

test('devices reach the internet by outside addresses of their own worker', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  execFileSync('ip', ['-n', world.internetNamespace, 'route', 'add', POOL, 'via', '203.0.113.1']);
  await world.configure({ static: `[nat44]\nown = ["${POOL}"]\nports = 256\n` });
  await world.startWorker();
  const [red, blue] = [await connected(world, 'red', 2), await connected(world, 'blue', 2)];
  for (const { namespace } of [red, blue]) {
    const [got] = await world.download(namespace, `http://${INTERNET4}:8000/1/1000000`);
    assert.equal(got?.bytes, 1_000_000);
    assert.match(
      await world.exec(namespace, 'ping', '-n', '-c', '2', '-i', '0.05', '-W', '2', INTERNET4),
      /2 received/,
    );
  }
  assert.ok(world.askedFrom.length >= 2);
  for (const from of world.askedFrom) assert.match(from, /^(::ffff:)?203\.0\.113\.(6[4-9]|7\d)$/);
  assert.equal(await world.metric('cloudbridge_forward_dropped_packets_total{reason="nat_filtered"}'), 0);
});

const POOLS = ['203.0.113.64/28', '203.0.113.80/28'] as const;
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

/** Lets a namespace of one world's client, and its internet, be reached from another's worker too. */
const join = (from: World, to: World, client: string): void => {
  const pairs = [
    [client, 'eth1', to.workerNamespace, 'down99', '198.51.101.2/30', '198.51.101.1/30'],
    [from.internetNamespace, 'in2', to.workerNamespace, 'out2', '198.18.0.10/30', '198.18.0.9/30'],
  ] as const;
  for (const [a, deviceA, b, deviceB, addressA, addressB] of pairs) {
    ip('-n', a, 'link', 'add', deviceA, 'type', 'veth', 'peer', 'name', deviceB, 'netns', b);
    ip('-n', a, 'address', 'add', addressA, 'dev', deviceA);
    ip('-n', b, 'address', 'add', addressB, 'dev', deviceB);
    ip('-n', a, 'link', 'set', deviceA, 'up');
    ip('-n', b, 'link', 'set', deviceB, 'up');
  }
  ip('-n', to.workerNamespace, 'route', 'add', `${INTERNET4}/32`, 'via', '198.18.0.10');
};

test('a connection through NAT goes on when its worker is killed, and when that one is back', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = new MeshWorlds(t, 2);
  await mesh.start(undefined, (member) => {
    return `[nat44]\nown = ["${POOLS[member - 1]}"]\nfleet = ${JSON.stringify(POOLS)}\nports = 256\n`;
  });
  const [a, b] = [mesh.world(1), mesh.world(2)];
  for (const member of mesh.members) {
    await mesh
      .world(member)
      .until('there is a link', async () => (await mesh.status(member)).peers.every(({ isLinked }) => isLinked));
  }
  const leadTo = (via: string): void => {
    ip('-n', a.internetNamespace, 'route', 'replace', POOLS[0], 'via', via);
  };
  leadTo('203.0.113.1');
  const client = a.clientNamespace();
  join(a, b, client);
  const before = await a.connect(deviceOf('red', 2), EDGE4, [], client);
  await before.reports.of('up');
  const connection = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', client, process.execPath, ONE_CONNECTION, INTERNET4, '8000'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => connection.kill('SIGKILL'));
  const talk = (namespace: string, role: 'hear' | 'serve') => {
    const words = [process.execPath, SLOW_TALKER, role, INTERNET4, '8001'];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', namespace, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  let text = '';
  connection.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  const answers = (): number => text.split('\n').length;
  const goesOn = async (what: string): Promise<void> => {
    const start = answers();
    await b.until(what, () => answers() > start + 10, 20_000);
  };
  await goesOn('the first answers');
  const sessions = 'cloudbridge_mesh_nat44_sessions_count';
  await b.until('the other worker keeps the session', async () => (await b.metric(sessions)) > 0);

  await a.endWorker('SIGKILL');
  before.child.kill('SIGKILL');
  leadTo('198.18.0.9');
  await b.until('its device is gone', () => !ip('-n', client, 'link').includes('tun0'));
  ip('-n', client, 'route', 'replace', 'default', 'via', '198.51.101.1');
  const after = await b.connect(deviceOf('red', 2), EDGE4, [], client);
  await after.reports.of('up');
  await goesOn('answers by the other worker');
  // It hears nobody, so it has no lease, and all is quiet but for a packet from outside now and then: none is to be dropped.
  connection.kill('SIGSTOP');
  talk(a.internetNamespace, 'serve');
  await new Promise((resolve) => setTimeout(resolve, 500));
  let heard = '';
  talk(client, 'hear').stdout.on('data', (data) => {
    heard += data;
  });
  await b.until('a byte each 400 ms', () => heard.split('\n').length > 6, 4500);
  connection.kill('SIGCONT');

  await a.startWorker();
  leadTo('203.0.113.1');
  await goesOn('answers by way of the worker that is back');
  assert.ok((await a.metric('cloudbridge_mesh_packets_total{direction="sent"}')) > 0);
  assert.equal(connection.exitCode, null);
  assert.equal(new Set(a.askedFrom).size, 1, 'one outside address all the time');
});
