import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
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
  await world.configure({ listen, static: withWireGuard(world, identities) });
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
