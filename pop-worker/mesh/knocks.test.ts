import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { Knocks } from './knocks.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a host says at once that nobody is at a port any more, and nothing while somebody is', async (t) => {
  const there = createSocket('udp4');
  there.bind(0, '127.0.0.1');
  await once(there, 'listening');
  const { port } = there.address();
  const refused: number[] = [];
  const knocks = new Knocks((member) => refused.push(member));
  t.after(() => knocks.close());
  knocks.setPeers([{ member: 7, name: 'w7', address: '127.0.0.1', port }]);
  await pause(50);
  const heard = once(there, 'message');
  knocks.knock(7);
  assert.equal((await heard)[0].length, 1);
  await pause(50);
  assert.deepEqual(refused, []);
  there.close();
  await pause(20);
  knocks.knock(7);
  knocks.knock(8);
  for (let i = 0; i < 50 && refused.length === 0; i++) await pause(10);
  assert.ok(refused.length > 0 && refused.every((member) => member === 7), refused.join());
  const before = refused.length;
  knocks.setPeers([]);
  knocks.knock(7);
  await pause(50);
  assert.equal(refused.length, before);
});
