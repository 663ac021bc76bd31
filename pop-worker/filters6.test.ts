import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MeshWorlds } from './testing/mesh-worlds.ts';
import { deviceOf, EDGE4, INTERNET6, needsNamespaces, type World } from './testing/world.ts';

const ONE_CONNECTION = fileURLToPath(new URL('testing/one-connection.ts', import.meta.url));
const PHONE = deviceOf('red', 2);
const DEVICE = PHONE.ipv6;
const STRANGER = '2001:db8:f::11';
/** The device asks it once, and says nothing more to it. */
const PARTNER = '2001:db8:f::12';
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

/** Lets a namespace of one world's client, and its internet, be reached from another's worker too. */
const join = (from: World, to: World, client: string): void => {
  const pairs = [
    [client, 'eth1', 'down99', ['198.51.101.2/30'], ['198.51.101.1/30']],
    [from.internetNamespace, 'in2', 'out2', ['2001:db8:2::2/64'], ['2001:db8:2::1/64']],
  ] as const;
  for (const [a, deviceA, deviceB, addressesA, addressesB] of pairs) {
    const b = to.workerNamespace;
    ip('-n', a, 'link', 'add', deviceA, 'type', 'veth', 'peer', 'name', deviceB, 'netns', b);
    for (const [namespace, device, addresses] of [
      [a, deviceA, addressesA] as const,
      [b, deviceB, addressesB] as const,
    ]) {
      ip('-n', namespace, 'link', 'set', device, 'up');
      for (const address of addresses) ip('-n', namespace, 'address', 'add', address, 'dev', device);
    }
  }
  for (const address of [INTERNET6, STRANGER, PARTNER])
    ip('-n', to.workerNamespace, 'route', 'add', `${address}/128`, 'via', '2001:db8:2::2');
};

test('whoever talks with a device by IPv6 goes on at once where the device came to, and nobody else is let in', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = new MeshWorlds(t, 2, 1500, 'routed6 = true');
  await mesh.start();
  const [a, b] = [mesh.world(1), mesh.world(2)];
  for (const member of mesh.members) {
    await mesh
      .world(member)
      .until('there is a link', async () => (await mesh.status(member)).peers.every(({ isLinked }) => isLinked));
  }
  const client = a.clientNamespace();
  join(a, b, client);
  const outside = a.internetNamespace;
  for (const address of [STRANGER, PARTNER]) ip('-n', outside, 'address', 'add', `${address}/64`, 'dev', 'in', 'nodad');
  const leadTo = (via: string): void => {
    ip('-n', outside, 'route', 'replace', 'fd00:1::/48', 'via', via);
  };
  leadTo('2001:db8:f::1');
  /** Whether the device answers who asks it from outside. */
  const pings = async (from: string): Promise<boolean> => {
    const once = `ping -n -c 1 -w 1 -I ${from} ${DEVICE} || true`;
    return / 1 received/.test(await a.exec(outside, 'sh', '-c', once));
  };

  const before = await a.connect(PHONE, EDGE4, [], client);
  await before.reports.of('up');
  assert.equal(await pings(PARTNER), false, 'nobody was asked for anything');
  assert.match(await a.exec(client, 'ping', '-n', '-c', '2', '-i', '0.1', '-w', '3', PARTNER), / 2 received/);
  const words = [process.execPath, ONE_CONNECTION, INTERNET6, '8000'];
  const connection = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', client, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => connection.kill('SIGKILL'));
  let text = '';
  connection.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  const goesOn = async (what: string): Promise<void> => {
    const start = text.split('\n').length;
    await b.until(what, () => text.split('\n').length > start + 5, 20_000);
  };
  await goesOn('the first answers');
  await b.until('the device answers whom it talks to', () => pings(PARTNER));
  await b.until('the other worker keeps it', async () => (await b.metric('cloudbridge_mesh_filters_count')) === 2);

  // It moves. Whoever it asked still comes by way of the first worker, and is led to it.
  before.child.kill('SIGKILL');
  await b.until('its device is gone', () => !ip('-n', client, 'link').includes('tun0'));
  ip('-n', client, 'route', 'replace', 'default', 'via', '198.51.101.1');
  const after = await b.connect(PHONE, EDGE4, [], client);
  await after.reports.of('up');
  // The former worker has to say that it sends nothing any more, before the device is sent anything.
  await b.until('the device answers, by way of the first worker', () => pings(PARTNER));
  assert.equal(await pings(STRANGER), false);
  leadTo('2001:db8:2::1');
  await b.until('the device answers, by the worker where it is', () => pings(PARTNER));
  assert.equal(await pings(STRANGER), false);
  await goesOn('answers by the other worker');
  assert.equal(connection.exitCode, null);
  await b.until(
    'it is counted',
    async () => (await b.metric('cloudbridge_ipv6_filter_events_total{event="restored"}')) > 0,
  );
  await b.until(
    'strangers are counted',
    async () => (await b.metric('cloudbridge_forward_dropped_packets_total{reason="unsolicited"}')) >= 2,
  );
});
