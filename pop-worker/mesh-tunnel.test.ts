import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { answered, connected, MeshWorlds } from './testing/mesh-worlds.ts';
import { deviceOf, INTERNET4, INTERNET6, needsNamespaces } from './testing/world.ts';

const meshed = async (t: TestContext, count: number): Promise<MeshWorlds> => {
  const mesh = new MeshWorlds(t, count);
  await mesh.start();
  for (const member of mesh.members) {
    await mesh
      .world(member)
      .until('all links are up', async () => (await mesh.status(member)).peers.every(({ isLinked }) => isLinked));
  }
  return mesh;
};

test('devices of a tenant reach each other, whichever worker they are at; other tenants do not', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = await meshed(t, 2);
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const [one, two, stranger] = [
    await connected(a, deviceOf('red', 2)),
    await connected(b, deviceOf('red', 3)),
    await connected(b, deviceOf('blue', 4)),
  ];
  await a.until('the first worker knows of them', async () => (await mesh.status(1)).devices === 3);
  for (const [world, device, n] of [
    [a, one, 3],
    [b, two, 2],
  ] as const) {
    assert.equal(await answered(world, device, `10.64.0.${n}`), 3);
    assert.equal(await answered(world, device, `fd00:1::${n}`), 3);
  }
  assert.equal(await answered(b, stranger, '10.64.0.2'), 0);
  assert.equal(await answered(b, stranger, 'fd00:1::2'), 0);
  // Threads bring the figures that all share up to date now and then.
  await a.until(
    'its packets are counted',
    async () => (await a.metric('cloudbridge_mesh_packets_total{direction="sent"}')) >= 12,
  );
  assert.equal(await a.metric('cloudbridge_mesh_devices_count{place="elsewhere"}'), 2);
});

test('a device that comes to another worker is served there, and ends where it was', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = await meshed(t, 2);
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const before = await connected(a, deviceOf('red', 2));
  const peer = await connected(a, deviceOf('red', 3));
  await b.until('the second worker knows of both', async () => (await mesh.status(2)).devices === 2);
  const after = await connected(b, deviceOf('red', 2));
  await before.reports.of('tunnel-closed');
  assert.equal(await answered(b, after, '10.64.0.3'), 3);
  assert.equal(await answered(a, peer, 'fd00:1::2'), 3);
  assert.equal(await answered(b, after, INTERNET4), 3);
  assert.equal(await answered(b, after, INTERNET6), 3);
  await a.until('it is counted', async () => (await a.metric('cloudbridge_ended_tunnels_total{reason="moved"}')) === 1);
  await b.until('no more of it is there', async () => (await mesh.status(2)).devices === 2);
});

test('packets that do not fit the way between two workers go in two, through a third one too', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = new MeshWorlds(t, 3, 1300);
  await mesh.start();
  for (const member of mesh.members) {
    await mesh
      .world(member)
      .until('all links are up', async () => (await mesh.status(member)).peers.every(({ isLinked }) => isLinked));
  }
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const one = await connected(a, deviceOf('red', 2));
  const two = await connected(b, deviceOf('red', 3));
  await a.until('the first worker knows of both', async () => (await mesh.status(1)).devices === 2);
  // Devices of tests have the MTU that was known when they got their addresses: less than full, on a busy machine.
  for (const { namespace } of [one, two]) a.run(namespace, 'ip', 'link', 'set', 'dev', 'tun0', 'mtu', '1400');
  const pings = (count: number) => {
    const words = `ping -n -M do -s 1300 -c ${count} -i 0.05 -W 1 10.64.0.3 || true`;
    return a.exec(one.namespace, 'sh', '-c', words);
  };
  const ping = () => pings(3);
  await a.until('their paths take full packets', async () => / 1 received/.test(await pings(1)));
  assert.match(await ping(), / 3 received/);
  mesh.cut(1, 2);
  await a.until('there is a way through the third', async () =>
    (await mesh.status(1)).peers.some(({ via }) => via === 3),
  );
  assert.match(await ping(), / 3 received/);
  const halved = 'cloudbridge_mesh_halved_packets_total';
  await a.until('it is counted', async () => (await a.metric(`${halved}{event="cut"}`)) >= 6);
  const third = mesh.world(3);
  await third.until('it is counted', async () => (await third.metric(`${halved}{event="joined"}`)) >= 6);
  assert.equal(await a.metric('cloudbridge_mesh_dropped_packets_total{reason="too_large"}'), 0);
});

test('a worker whose certificate another authority signed gets no link, and it is said why', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = new MeshWorlds(t, 2);
  const other = createAuthority('Somebody else');
  await mesh.start((member) => (member === 2 ? other : mesh.authority));
  await mesh.world(1).until('it was tried', async () => {
    const [peer] = (await mesh.status(1)).peers;
    return peer?.problem !== undefined && peer.problem !== 'it has not called yet';
  });
  const [peer] = (await mesh.status(1)).peers;
  assert.equal(peer?.isLinked, false);
  assert.match(peer?.problem ?? '', /certificate/);
});
