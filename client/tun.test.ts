import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import { createWorld, HOST4, HOST6 } from './testing/world.ts';

test('packets of both families go through the tunnel', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.startEdge();
  const client = world.connect(['--server', 'https://192.0.2.1', '--tun', 'cb0', '--default-route']);
  const tunnel = await client.line('tunnel');
  assert.deepEqual(tunnel['addresses'], ['10.64.0.2/32', 'fd00:1::2/128']);
  for (const address of [HOST4, HOST6]) {
    const text = await world.exec(world.client, 'ping', '-c', '3', '-i', '0.05', '-W', '2', address);
    assert.match(text, / 3 received/);
  }
  assert.equal(await client.end('SIGINT'), 0);
});
