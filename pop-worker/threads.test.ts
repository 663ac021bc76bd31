import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { contentDigest } from './testing/content.ts';
import {
  deviceOf,
  EDGE4,
  EDGE6,
  INTERNET4,
  INTERNET6,
  needsNamespaces,
  type TestDevice,
  World,
} from './testing/world.ts';

const BYTES = 5_000_000;
/** So many that all of them on one of two threads would be chance of one in a thousand. */
const DEVICES = 6;
const TUNNEL_ROUTES = ['10.64.0.0/10', 'fd00:1::/48', 'fd00:2::/48'];

const serving = async (t: TestContext, threads = 2): Promise<World> => {
  const world = new World(t);
  await world.network();
  await world.configure({ listen: `threads = ${threads}` });
  await world.startWorker();
  return world;
};

const connected = async (world: World, tenant: 'red' | 'blue', n: number, edge = EDGE4): Promise<TestDevice> => {
  const device = await world.connect(deviceOf(tenant, n), edge);
  await device.reports.of('up');
  for (const route of TUNNEL_ROUTES) world.run(device.namespace, 'ip', 'route', 'add', route, 'dev', 'tun0');
  return device;
};

/** How many of `count` pings are answered. */
const answered = async (world: World, device: TestDevice, address: string, count = 3): Promise<number> => {
  const text = await world.exec(device.namespace, 'sh', '-c', `ping -n -c ${count} -i 0.05 -w 10 ${address} || true`);
  const sequences = Array.from(text.matchAll(/icmp_seq=(\d+) .*time=/g), ([, sequence]) => Number(sequence));
  return new Set(sequences.filter((sequence) => sequence <= count)).size;
};

const exchanged = (world: World, kind: 'datagram' | 'outside' | 'inner'): Promise<number> =>
  world.metric(`cloudbridge_exchange_records_total{kind="${kind}"}`);

test('devices of a tenant reach each other and the internet, whichever threads they are at', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await serving(t);
  const devices: TestDevice[] = [];
  for (let n = 2; n < 2 + DEVICES; n++) devices.push(await connected(world, 'red', n, n % 2 === 0 ? EDGE4 : EDGE6));
  const stranger = await connected(world, 'blue', 2);
  for (const device of devices) {
    for (let n = 2; n < 2 + DEVICES; n++) {
      assert.equal(await answered(world, device, `10.64.0.${n}`), 3, `10.64.0.${n}`);
      assert.equal(await answered(world, device, `fd00:1::${n}`), 3, `fd00:1::${n}`);
    }
    assert.equal(await answered(world, device, INTERNET4), 3);
    assert.equal(await answered(world, device, INTERNET6), 3);
  }
  assert.ok((await exchanged(world, 'inner')) > 0, 'some were at different threads');
  assert.equal(await answered(world, stranger, 'fd00:1::2'), 0);
  // Another tenant has the same addresses; its packets are its own.
  const all = await Promise.all(
    [...devices, stranger].map((device, i) =>
      world.download(
        device.namespace,
        `http://${INTERNET4}:8000/${i}/${BYTES}`,
        `http://[${INTERNET6}]:8000/${i}/${BYTES}`,
      ),
    ),
  );
  for (const [i, results] of all.entries())
    for (const { digest } of results) assert.equal(digest, contentDigest(i, BYTES));
  assert.equal(await world.metric('cloudbridge_forward_dropped_packets_total{reason="thread_queue_full"}'), 0);
  assert.ok((await world.metric('cloudbridge_exchange_bells_total')) > 0);
  assert.equal(await world.metric('cloudbridge_sessions_count'), DEVICES + 1);
});

test('a connection outlives changes of its address that lead its datagrams to another thread', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await serving(t);
  const device = await connected(world, 'red', 2, EDGE6);
  const address = (n: number): string => `2001:db8:c:1::${(n + 2).toString(16)}/64`;
  let moves = 0;
  while ((await exchanged(world, 'datagram')) === 0 && moves < 12) {
    moves++;
    world.run(device.namespace, 'ip', 'address', 'add', address(moves), 'dev', 'eth0', 'nodad');
    world.run(device.namespace, 'ip', 'address', 'del', address(moves - 1), 'dev', 'eth0');
    assert.equal(await answered(world, device, INTERNET4), 3, `after ${moves} moves`);
    assert.equal(await answered(world, device, INTERNET6), 3, `after ${moves} moves`);
  }
  assert.ok((await exchanged(world, 'datagram')) > 0, `${moves} moves led nowhere else`);
  assert.equal(await world.metric('cloudbridge_quic_path_changes_total'), moves);
  assert.equal(await world.metric('cloudbridge_quic_handshakes_total{result="full"}'), 1);
});

test('a device that comes again, at whatever thread, has its addresses to itself', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await serving(t);
  const neighbour = await connected(world, 'red', 3);
  for (let i = 0; i < DEVICES; i++) {
    const again = await connected(world, 'red', 2);
    assert.equal(await answered(world, again, '10.64.0.3'), 3);
    assert.equal(await answered(world, neighbour, '10.64.0.2'), 3);
    assert.equal(await answered(world, neighbour, 'fd00:1::2'), 3);
  }
  assert.equal(await world.metric('cloudbridge_sessions_count'), 2, 'the former ones do not count');
  const moved = () => world.metric('cloudbridge_ended_tunnels_total{reason="moved"}');
  await world.until('the former ones are ended', async () => (await moved()) === DEVICES - 1);
});

test('revocation, drain and stop reach every thread', { skip: needsNamespaces }, async (t) => {
  const world = await serving(t, 3);
  const devices = [];
  for (let n = 2; n < 2 + DEVICES; n++) devices.push(await connected(world, 'red', n));
  world.revoke([{ tenant: 'red' }]);
  await Promise.all(devices.map(({ reports }) => reports.of('tunnel-closed')));
  await world.until('all sessions are gone', async () => (await world.metric('cloudbridge_sessions_count')) === 0);
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.deepEqual(world.leftovers(), { links: [], tables: [], routes: [] });
});
