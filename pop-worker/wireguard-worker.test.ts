import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { needsWireGuardGo, wireguardGoCommand } from '#host/wireguard/testing/wireguard-go.ts';
import { contentDigest } from './testing/content.ts';
import { answered, connected } from './testing/mesh-worlds.ts';
import {
  WireGuardDevice,
  type WireGuardIdentity,
  wireguard,
  withWireGuard,
  writePeers,
} from './testing/wireguard-device.ts';
import { deviceOf, EDGE6, INTERNET4, INTERNET6, needsNamespaces, World } from './testing/world.ts';

const skip = { skip: needsNamespaces };
const BYTES = 2_000_000;
const RED2 = wireguard(deviceOf('red', 2), 2);
const RED3 = wireguard(deviceOf('red', 3), 3);
const BLUE2 = wireguard(deviceOf('blue', 2), 100);

const serving = async (t: TestContext, identities: readonly WireGuardIdentity[], listen = ''): Promise<World> => {
  const world = new World(t);
  await world.network();
  await world.configure({ listen, static: withWireGuard(world, identities).join('') });
  await world.startWorker();
  return world;
};

test(
  'a stock client pings and downloads through the worker, over both families, and what it does is counted',
  skip,
  async (t) => {
    const world = await serving(t, [RED2]);
    const device = await WireGuardDevice.start(t, world, RED2);
    for (const address of [INTERNET4, INTERNET6]) assert.equal(await answered(world, device, address), 3);
    const results = await world.download(
      device.namespace,
      `http://${INTERNET4}:8000/1/${BYTES}`,
      `http://[${INTERNET6}]:8000/2/${BYTES}`,
    );
    assert.deepEqual(
      results.map(({ digest }) => digest),
      [contentDigest(1, BYTES), contentDigest(2, BYTES)],
    );
    assert.deepEqual(world.askedFrom.toSorted(), ['2001:db8:f::1', '203.0.113.1']);
    assert.equal(await world.metric('cloudbridge_sessions_count'), 1);
  },
);

test(
  'who comes by WireGuard and who comes by MASQUE reach each other within their tenant, and nobody of another one',
  skip,
  async (t) => {
    // Peers of even numbers are at the first of two threads, the others at the second.
    const world = await serving(t, [RED2, RED3, BLUE2], 'threads = 2');
    const [one, other, stranger] = [
      await WireGuardDevice.start(t, world, RED2),
      await WireGuardDevice.start(t, world, RED3, { edge: EDGE6 }),
      await WireGuardDevice.start(t, world, BLUE2),
    ];
    const masque = await Promise.all([4, 5, 6].map((n) => connected(world, deviceOf('red', n))));
    for (const device of [one, other, stranger]) assert.equal(await answered(world, device, INTERNET4), 3);
    for (const [n, device] of masque.entries()) {
      assert.equal(await answered(world, one, `10.64.0.${n + 4}`), 3);
      assert.equal(await answered(world, other, `fd00:1::${n + 4}`), 3);
      assert.equal(await answered(world, device, '10.64.0.2'), 3);
      assert.equal(await answered(world, device, 'fd00:1::3'), 3);
    }
    assert.equal(await answered(world, one, '10.64.0.3'), 3);
    for (const n of [3, 4]) {
      assert.equal(await answered(world, stranger, `10.64.0.${n}`), 0);
      assert.equal(await answered(world, stranger, `fd00:1::${n}`), 0);
    }
    assert.equal(await world.metric('cloudbridge_sessions_count'), 6);
    // Wherever they come from, their packets come to the thread that has them: at most initiations are handed on.
    const agreed = await world.metric('cloudbridge_wireguard_handshakes_total{what="agreed"}');
    for (const [i, device] of [one, other, stranger].entries()) {
      for (const port of [40_000, 40_001, 40_002, 40_003]) {
        await device.ask('set=1', `listen_port=${port + 10 * i}`);
        assert.equal(await answered(world, device, INTERNET4), 3);
      }
    }
    assert.equal(await world.metric('cloudbridge_wireguard_handshakes_total{what="agreed"}'), agreed);
    assert.equal(await world.metric('cloudbridge_wireguard_moves_total'), 3 * (1 + 4), 'each came, and moved');
    const handedOn = await world.metric('cloudbridge_exchange_records_total{kind="datagram"}');
    assert.ok(handedOn <= (await world.metric('cloudbridge_wireguard_handshakes_total{what="answered"}')));
    const text = (await world.admin('/metrics')).text;
    assert.match(text, /cloudbridge_wireguard_peers\{state="configured"\} 3\n/);
    assert.match(text, /cloudbridge_wireguard_peers\{state="in_session"\} 3\n/);
    assert.match(text, /cloudbridge_wireguard_peers\{state="connected"\} 3\n/);
    for (const series of [
      'packets_total{direction="received"}',
      'packets_total{direction="sent"}',
      'bytes_total{direction="received"}',
      'handshakes_total{what="answered"}',
      'handshakes_total{what="agreed"}',
    ])
      assert.ok((await world.metric(`cloudbridge_wireguard_${series}`)) >= 3, series);
  },
);

test('a foreign source is dropped and counted, and who has no egress reaches no internet', skip, async (t) => {
  const inside = { ...RED3, egress: false };
  const world = await serving(t, [RED2, inside]);
  const [one, other] = [await WireGuardDevice.start(t, world, RED2), await WireGuardDevice.start(t, world, inside)];
  assert.equal(await answered(world, one, INTERNET4), 3);
  const dropped = async (reason: string): Promise<number> =>
    world.metric(`cloudbridge_forward_dropped_packets_total{reason="${reason}"}`);
  const before = await dropped('source_address');
  world.run(one.namespace, 'ip', 'address', 'add', '10.64.0.9/32', 'dev', one.name);
  world.run(one.namespace, 'sh', '-c', `ping -c 3 -i 0.05 -W 1 -I 10.64.0.9 ${INTERNET4} || true`);
  assert.equal((await dropped('source_address')) - before, 3);
  assert.equal(await answered(world, other, INTERNET4), 0);
  // It is told so, by which ping ends.
  assert.ok((await dropped('egress_not_allowed')) > 0);
  assert.equal(await answered(world, other, '10.64.0.2'), 3);
});

test(
  'a revocation ends it and nobody answers it, until it is reinstated; so does a peer that is none any more',
  skip,
  async (t) => {
    const world = await serving(t, [RED2, RED3]);
    const [one, other] = [await WireGuardDevice.start(t, world, RED2), await WireGuardDevice.start(t, world, RED3)];
    for (const device of [one, other]) assert.equal(await answered(world, device, INTERNET4), 3);
    world.revoke([{ tenant: 'red', device: 'red2' }]);
    const peers = (state: string) => world.metric(`cloudbridge_wireguard_peers{state="${state}"}`);
    await world.until('it is barred', async () => (await peers('barred')) === 1);
    assert.equal(await peers('connected'), 1, 'it is none of the devices that are here');
    assert.equal(await answered(world, one, INTERNET4), 0);
    assert.equal(await answered(world, other, INTERNET4), 3);
    assert.equal(await world.metric('cloudbridge_ended_tunnels_total{reason="revoked"}'), 1);
    assert.equal(await world.metric('cloudbridge_sessions_count'), 1);
    world.revoke([]);
    await world.until('it is not barred', async () => (await peers('barred')) === 0);
    await world.until('it is served again', async () => (await answered(world, one, INTERNET4)) === 3, 30_000);
    writePeers(world, [RED2]);
    world.worker?.kill('SIGHUP');
    await world.until('there is one peer', async () => (await peers('configured')) === 1);
    assert.equal(await answered(world, other, INTERNET4), 0);
    assert.equal(await world.metric('cloudbridge_ended_tunnels_total{reason="revoked"}'), 2);
  },
);

test(
  'another keepalive, site, network or egress counts at SIGHUP, and no session ends by it; another address ends it as changed',
  skip,
  async (t) => {
    const world = await serving(t, [RED2, RED3]);
    const [one, other] = [await WireGuardDevice.start(t, world, RED2), await WireGuardDevice.start(t, world, RED3)];
    const told = (identity: WireGuardIdentity): void => {
      writePeers(world, [identity, RED3]);
      world.worker?.kill('SIGHUP');
    };
    for (const device of [one, other]) assert.equal(await answered(world, device, INTERNET4), 3);
    const handshakes = async (): Promise<number[]> => [
      await world.metric('cloudbridge_wireguard_handshakes_total{what="agreed"}'),
      await world.metric('cloudbridge_wireguard_peers{state="in_session"}'),
      await world.metric('cloudbridge_sessions_count'),
    ];
    const ended = async (): Promise<number[]> =>
      Promise.all(
        ['revoked', 'changed'].map((why) => world.metric(`cloudbridge_ended_tunnels_total{reason="${why}"}`)),
      );
    const before = await handshakes();
    assert.deepEqual(before, [2, 2, 2]);
    const sent = () => world.metric('cloudbridge_wireguard_packets_total{direction="sent"}');
    const kept = await sent();
    told({ ...RED2, keepaliveSeconds: 1 });
    await world.until('keepalives are sent', async () => (await sent()) - kept >= 3);
    const inside = '10.70.2.1';
    world.run(one.namespace, 'ip', 'address', 'add', `${inside}/32`, 'dev', 'lo');
    assert.equal(await answered(world, other, inside), 0);
    const site = { ...RED2, networks: ['10.70.2.0/24'], site: 'berlin', metric: 7, keepaliveSeconds: 1 };
    told(site);
    const reached = () => world.metric('cloudbridge_wireguard_site_devices{state="reached"}');
    await world.until('it is of a site', async () => (await reached()) === 1);
    assert.equal(await answered(world, other, inside), 3);
    assert.equal(await answered(world, one, INTERNET4), 3);
    told({ ...RED2, egress: false });
    await world.until('it is of none', async () => (await reached()) === 0);
    assert.deepEqual([await answered(world, one, INTERNET4), await answered(world, one, INTERNET6)], [0, 0]);
    assert.deepEqual([await answered(world, one, '10.64.0.3'), await answered(world, other, inside)], [3, 0]);
    told(RED2);
    await world.until('it may again', async () => (await answered(world, one, INTERNET4)) === 3);
    assert.equal(await answered(world, one, INTERNET6), 3);
    assert.deepEqual([await handshakes(), await ended()], [before, [0, 0]]);
    told({ ...RED2, ipv4: '10.64.0.22' });
    await world.until('it has ended', async () => (await ended())[1] === 1);
    assert.deepEqual(await ended(), [0, 1]);
  },
);

test(
  'a worker that was killed and started again serves its clients at once, by a handshake of its own',
  skip,
  async (t) => {
    const secret = new Uint8Array(32).fill(7);
    const red = { ...RED2, presharedKey: secret };
    const world = await serving(t, [red]);
    const device = await WireGuardDevice.start(t, world, red);
    assert.equal(await answered(world, device, INTERNET4), 3);
    await world.endWorker('SIGKILL');
    await world.startWorker();
    const before = performance.now();
    await world.until('it is served', async () => (await answered(world, device, INTERNET4)) > 0, 4_000);
    t.diagnostic(`${Math.round(performance.now() - before)} ms`);
    assert.equal(await world.metric('cloudbridge_wireguard_handshakes_total{what="begun"}'), 1);
    assert.equal(await world.metric('cloudbridge_wireguard_handshakes_total{what="answered"}'), 0);
    assert.equal(await answered(world, device, INTERNET6), 3);
  },
);

test('wireguard-go: both families, a preshared key, large packets, and a worker that was killed', {
  skip: needsNamespaces || needsWireGuardGo,
}, async (t) => {
  const red = { ...RED2, presharedKey: new Uint8Array(32).fill(9) };
  const world = await serving(t, [red]);
  const device = await WireGuardDevice.start(t, world, red, { command: wireguardGoCommand });
  for (const address of [INTERNET4, INTERNET6]) assert.equal(await answered(world, device, address), 3);
  const [result] = await world.download(device.namespace, `http://${INTERNET4}:8000/1/${BYTES}`);
  assert.equal(result?.digest, contentDigest(1, BYTES));
  await world.endWorker('SIGKILL');
  await world.startWorker();
  await world.until('it is served', async () => (await answered(world, device, INTERNET4)) > 0, 4_000);
  assert.equal(await world.metric('cloudbridge_wireguard_handshakes_total{what="answered"}'), 0);
  assert.equal(await answered(world, device, INTERNET6), 3);
});
