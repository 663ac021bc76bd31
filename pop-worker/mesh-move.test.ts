import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, MeshWorlds } from './testing/mesh-worlds.ts';
import { deviceOf, EDGE4, needsNamespaces } from './testing/world.ts';

const PINGS = 3000;

/** Pings, one a millisecond. @returns how many were answered */
const answeredOf = (output: string): number => Number(/ (\d+) received/.exec(output)?.[1]);

test('nothing is lost while a device moves from one worker to another: to it, and from where it was', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = new MeshWorlds(t, 3);
  await mesh.start();
  const [a, b, c] = [mesh.world(1), mesh.world(2), mesh.world(3)];
  for (const member of mesh.members) {
    const isLinked = async () => (await mesh.status(member)).peers.every((peer) => peer.isLinked);
    await mesh.world(member).until('all links are up', isLinked);
  }
  const peer = await connected(c, deviceOf('red', 3));
  await connected(a, deviceOf('red', 2));
  await c.until('both are known', async () => (await mesh.status(3)).devices === 2);
  const pings = c.exec(peer.namespace, 'ping', '-n', '-q', '-i', '0.001', '-c', String(PINGS), '10.64.0.2');
  const { reports } = await b.connect(deviceOf('red', 2), EDGE4, [], b.clientNamespace(), undefined, ['10.64.0.0/10']);
  let isUp = false;
  void reports.of('up').then(() => {
    isUp = true;
  });
  const output = await pings;
  assert.ok(isUp, 'it moved before the last ping');
  assert.equal(answeredOf(output), PINGS);
  const followed = await a.metric('cloudbridge_forward_followed_packets_total');
  const held = await b.metric('cloudbridge_forward_held_packets_total');
  t.diagnostic(`${followed} went after it, ${held} waited`);
});
