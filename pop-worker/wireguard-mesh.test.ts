import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { answered, connected, MeshWorlds } from './testing/mesh-worlds.ts';
import { secondWay } from './testing/second-way.ts';
import {
  WireGuardDevice,
  type WireGuardIdentity,
  wireguard,
  withWireGuard,
  writePeers,
} from './testing/wireguard-device.ts';
import { deviceOf, EDGE4, INTERNET4, needsNamespaces, type World } from './testing/world.ts';

const skip = { skip: needsNamespaces };
const RED2 = wireguard(deviceOf('red', 2), 2);
const RED5 = wireguard(deviceOf('red', 5), 5);

const meshed = async (
  t: TestContext,
  identities: readonly WireGuardIdentity[],
  more = '',
  count = 2,
  listen = '',
): Promise<MeshWorlds> => {
  const mesh = new MeshWorlds(t, count, 1500, '', listen);
  const lines = (member: number) => withWireGuard(mesh.world(member), identities);
  await mesh.start(
    undefined,
    (member) => `${lines(member)[1]}${more}`,
    (member) => lines(member)[0],
  );
  for (const member of mesh.members)
    await mesh
      .world(member)
      .until('all links are up', async () => (await mesh.status(member)).peers.every(({ isLinked }) => isLinked));
  return mesh;
};

test(
  'a client whose packets reach another worker is served there at once, and reaches whom it did',
  skip,
  async (t) => {
    const mesh = await meshed(t, [RED2, RED5]);
    const [a, b] = [mesh.world(1), mesh.world(2)];
    const device = await WireGuardDevice.start(t, a, RED2);
    spareAddress(b);
    const there = await WireGuardDevice.start(t, b, RED5);
    const [here, other] = [await connected(a, deviceOf('red', 3)), await connected(b, deviceOf('red', 4))];
    const know = (devices: number) =>
      a.until(`both workers know of ${devices}`, async () => {
        const each = await Promise.all([mesh.status(1), mesh.status(2)]);
        return each.every((status) => status.devices === devices);
      });
    await know(2);
    // The first packet is answered, by whoever is at the other worker too.
    assert.equal(await answered(a, device, '10.64.0.4'), 3);
    await know(3);
    assert.equal(await answered(b, there, '10.64.0.2'), 3);
    await know(4);
    for (const host of ['10.64.0.3', '10.64.0.4', INTERNET4]) assert.equal(await answered(a, device, host), 3, host);
    const lead = secondWay(device.namespace, b);
    for (const isSecond of [true, false, true]) {
      const [to, from] = isSecond ? [b, a] : [a, b];
      lead(isSecond);
      const ping = await a.exec(device.namespace, 'sh', '-c', 'ping -n -q -c 50 -i 0.02 -w 5 10.64.0.3 || true');
      t.diagnostic(/\d+ packets.*received/.exec(ping)?.[0] ?? ping);
      await a.until('it is served', async () => (await answered(a, device, '10.64.0.3')) === 3);
      for (const host of ['10.64.0.4', 'fd00:1::5', INTERNET4]) assert.equal(await answered(a, device, host), 3, host);
      for (const [world, peer] of [
        [a, here],
        [b, other],
        [b, there],
      ] as const)
        assert.equal(await answered(world, peer, '10.64.0.2'), 3);
      await to.until('it is here', async () => (await to.metric('cloudbridge_sessions_count')) === (isSecond ? 3 : 2));
      await from.until(
        'it is not there',
        async () => (await from.metric('cloudbridge_sessions_count')) === (isSecond ? 1 : 2),
      );
    }
    assert.ok((await b.metric('cloudbridge_wireguard_handshakes_total{what="begun"}')) >= 2);
    assert.ok((await a.metric('cloudbridge_wireguard_handshakes_total{what="begun"}')) >= 1);
    assert.equal(await a.metric('cloudbridge_ended_tunnels_total{reason="moved"}'), 2);
  },
);

test(
  'a network that is said to lie behind a device that is here already is reached from other workers, and no more once it is not',
  skip,
  async (t) => {
    const mesh = await meshed(t, [RED2, RED5]);
    const [a, b] = [mesh.world(1), mesh.world(2)];
    const [device, far] = [await WireGuardDevice.start(t, a, RED2), await WireGuardDevice.start(t, b, RED5)];
    for (const [world, one] of [
      [a, device],
      [b, far],
    ] as const)
      await world.until('it is served', async () => (await answered(world, one, INTERNET4)) === 3);
    await a.until('both are known', async () => (await mesh.status(2)).devices === 2);
    const inside = '10.70.2.1';
    a.run(device.namespace, 'ip', 'address', 'add', `${inside}/32`, 'dev', 'lo');
    assert.equal(await answered(b, far, inside), 0);
    const told = (more: Partial<WireGuardIdentity>): void => {
      for (const world of [a, b]) {
        writePeers(world, [{ ...RED2, ...more }, RED5]);
        world.worker?.kill('SIGHUP');
      }
    };
    const networks = ['10.70.2.0/24'];
    for (const more of [{ networks }, {}, { networks, site: 'berlin', metric: 3 }, { networks }, {}]) {
      told(more);
      const isBehind = 'networks' in more;
      await b.until('it counts', async () => (await answered(b, far, inside)) === (isBehind ? 3 : 0));
      assert.equal(await answered(b, far, '10.64.0.2'), 3);
      assert.equal(await answered(a, device, INTERNET4), 3);
    }
    for (const world of [a, b]) {
      assert.equal(await world.metric('cloudbridge_wireguard_handshakes_total{what="agreed"}'), 1);
      for (const reason of ['revoked', 'changed', 'moved'])
        assert.equal(await world.metric(`cloudbridge_ended_tunnels_total{reason="${reason}"}`), 0);
    }
  },
);

/** The outer address of the first client of one world is to lead elsewhere in another one: nobody may have it there. */
const spareAddress = (world: World): void => void world.clientNamespace();

/** Packets of a stream of pings that got no answer while `act` was done amidst them. */
const lost = async (
  run: (...command: string[]) => Promise<string>,
  host: string,
  act: () => unknown,
): Promise<number> => {
  const pinging = run('sh', '-c', `ping -n -q -c 100 -i 0.02 -W 2 ${host} || true`);
  await pause(700);
  await act();
  const [, sent = 0, received = 0] = /(\d+) packets transmitted, (\d+) received/.exec(await pinging) ?? [];
  assert.equal(Number(sent), 100);
  return Number(sent) - Number(received);
};

test(
  'with [handoff] a flip loses nothing: the worker that has the session gets it until it has moved',
  skip,
  async (t) => {
    const mesh = await meshed(t, [RED2], '[handoff]\n');
    const [a, b] = [mesh.world(1), mesh.world(2)];
    const device = await WireGuardDevice.start(t, a, RED2);
    spareAddress(b);
    await connected(a, deviceOf('red', 3));
    await a.until('it is served', async () => (await answered(a, device, '10.64.0.3')) === 3);
    await b.until('both workers know of both', async () => (await mesh.status(2)).devices === 2);
    const lead = secondWay(device.namespace, b);
    const run = (...command: string[]) => a.exec(device.namespace, ...command);
    const handed = (world: World, direction: string) =>
      world.metric(`cloudbridge_handoff_datagrams_total{direction="${direction}"}`);
    for (const isSecond of [true, false]) {
      const [to, from] = isSecond ? [b, a] : [a, b];
      assert.equal(await lost(run, '10.64.0.3', () => lead(isSecond)), 0);
      await to.until('it is here', async () => (await to.metric('cloudbridge_sessions_count')) === (isSecond ? 1 : 2));
      assert.ok((await handed(to, 'sent')) > 0);
      assert.ok((await handed(from, 'received')) > 0);
    }
    // All at once, most of them before anybody has said whose they are.
    await lead(true);
    const burst = await run('sh', '-c', 'ping -n -q -c 60 -l 60 -W 2 10.64.0.3 || true');
    assert.ok(Number(/(\d+) received/.exec(burst)?.[1]) >= 55, burst);
  },
);

test(
  'whoever names a device that is at another worker is brought nothing of it: that one says who it is',
  skip,
  async (t) => {
    const mesh = await meshed(t, [RED5], '[handoff]\n', 2, 'threads = 2\n');
    // Its number is odd: it is the second thread's, and others hand over to the first.
    const [a, b] = [mesh.world(1), mesh.world(2)];
    const device = await WireGuardDevice.start(t, a, RED5);
    spareAddress(b);
    await a.until('it is served', async () => (await answered(a, device, INTERNET4)) === 3);
    await b.until('both workers know of it', async () => (await mesh.status(2)).devices === 1);
    const endpoint = async (): Promise<string | undefined> =>
      (await device.ask('get=1')).find((line) => line.startsWith('endpoint='));
    const port = (await device.ask('get=1'))
      .find((line) => line.startsWith('listen_port='))
      ?.slice('listen_port='.length);
    const before = await endpoint();
    // He reaches the device past the edge.
    const impostor = b.clientNamespace();
    a.run(impostor, 'ip', 'link', 'add', 'past', 'type', 'veth', 'peer', 'name', 'past', 'netns', device.namespace);
    for (const [namespace, address] of [
      [impostor, '198.18.1.1/30'],
      [device.namespace, '198.18.1.2/30'],
    ] as const) {
      a.run(namespace, 'ip', 'address', 'add', address, 'dev', 'past');
      a.run(namespace, 'ip', 'link', 'set', 'past', 'up');
    }
    const asked = (what: string) => b.metric(`cloudbridge_wireguard_questions_total{what="${what}"}`);
    for (const what of ['data', 'responses'] as const) {
      const denied = await asked('denied');
      const words = [what, String(RED5.number), EDGE4, '198.18.1.2', String(port)];
      const got = await b.exec(
        impostor,
        process.execPath,
        fileURLToPath(new URL('testing/impostor.ts', import.meta.url)),
        ...words,
      );
      assert.equal(got, '0', what);
      assert.ok((await asked('denied')) >= denied + 5, what);
    }
    assert.equal(await endpoint(), before);
    assert.equal(await b.metric('cloudbridge_wireguard_handshakes_total{what="begun"}'), 0);
    assert.ok((await a.metric('cloudbridge_handoff_answers_total{answer="forged"}')) >= 10);
    assert.equal(await answered(a, device, INTERNET4), 3);
  },
);

test('a worker that drains sends its clients where routes lead, those too that say nothing', skip, async (t) => {
  const mesh = await meshed(t, [RED2], '[handoff]\n');
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const device = await WireGuardDevice.start(t, a, RED2);
  spareAddress(b);
  const peer = await connected(b, deviceOf('red', 3));
  await a.until('it is served', async () => (await answered(a, device, '10.64.0.3')) === 3);
  secondWay(device.namespace, b)(true);
  await a.command('drain');
  await b.until('it is here', async () => (await b.metric('cloudbridge_sessions_count')) === 2);
  assert.equal(await answered(b, peer, '10.64.0.2'), 3);
  await a.until('it is not there', async () => (await a.metric('cloudbridge_sessions_count')) === 0);
});

test(
  'a worker that was stopped and given up delivers nothing of a client that is elsewhere by then',
  skip,
  async (t) => {
    const mesh = await meshed(t, [RED2], '', 3);
    const [a, b] = [mesh.world(1), mesh.world(2)];
    const device = await WireGuardDevice.start(t, a, RED2);
    spareAddress(b);
    await a.until('it is served', async () => (await answered(a, device, INTERNET4)) === 3);
    const lead = secondWay(device.namespace, b);
    const delivered = (): Promise<number> => a.metric('cloudbridge_forward_packets_total{direction="up"}');
    const before = await delivered();
    a.worker?.kill('SIGSTOP');
    await b.until('it is dead', async () =>
      (await mesh.status(2)).peers.some(({ member, isDead }) => member === 1 && isDead),
    );
    // They wait in the stopped worker's socket.
    assert.equal(await answered(a, device, INTERNET4), 0);
    lead(true);
    await b.until('it is served elsewhere', async () => (await answered(a, device, INTERNET4)) === 3);
    a.worker?.kill('SIGCONT');
    await a.until('it is not there', async () => (await a.metric('cloudbridge_sessions_count')) === 0);
    assert.equal(await delivered(), before);
    assert.equal(await answered(a, device, INTERNET4), 3, 'it stays where it is');
    assert.equal(await b.metric('cloudbridge_sessions_count'), 1);
  },
);
