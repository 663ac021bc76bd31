import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentDigest } from './testing/content.ts';
import { deviceOf, INTERNET4, INTERNET6, needsNamespaces, World } from './testing/world.ts';

const MEGABYTES_20 = 20_000_000;

test('a device pings and downloads through its tunnel, over both families', { skip: needsNamespaces }, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure();
  await world.startWorker();
  const device = await world.connect(deviceOf('red', 2));
  const up = await device.reports.of('up');
  assert.deepEqual(up.addresses, ['10.64.0.2/32', 'fd00:1::2/128']);
  assert.ok(up.mtu >= 1280, `mtu ${up.mtu}`);
  for (const address of [INTERNET4, INTERNET6]) {
    assert.match(world.run(device.namespace, 'ping', '-c', '3', '-i', '0.05', '-W', '2', address), / 3 received/);
  }
  const results = await world.download(
    device.namespace,
    `http://${INTERNET4}:8000/1/${MEGABYTES_20}`,
    `http://[${INTERNET6}]:8000/2/${MEGABYTES_20}`,
  );
  assert.deepEqual(
    results.map(({ digest }) => digest),
    [contentDigest(1, MEGABYTES_20), contentDigest(2, MEGABYTES_20)],
  );
  t.diagnostic(JSON.stringify(results));
  assert.deepEqual(world.askedFrom.toSorted(), ['2001:db8:f::1', '203.0.113.1']);
});
