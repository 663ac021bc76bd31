import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Burst } from '#protocol/burst.ts';
import { addressOf } from './address.ts';
import { UdpSocket } from './socket.ts';
import { pattern, put } from './testing/traffic.ts';

/** Starts a worker, floods it until it receives, and ends it in the middle of that. */
const startAndEnd = async (sender: UdpSocket): Promise<void> => {
  const worker = new Worker(new URL('./testing/receiver.ts', import.meta.url));
  const [port] = (await once(worker, 'message', { signal: AbortSignal.timeout(60_000) })) as [number];
  const burst = new Burst(65_536, 4);
  for (let i = 0; i < 40; i++) put(burst, pattern(1200, i), addressOf('127.0.0.1', port));
  const receiving = once(worker, 'message', { signal: AbortSignal.timeout(60_000) });
  sender.send(burst);
  await receiving;
  for (let i = 0; i < 50; i++) sender.send(burst);
  const ended = worker.terminate();
  for (let i = 0; i < 50; i++) sender.send(burst);
  assert.equal(await ended, 1);
};

test('50 workers end in the middle of receiving', async (t) => {
  const sender = UdpSocket.open({ address: '127.0.0.1', port: 0 });
  t.after(() => sender.close());
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 5 }, () => startAndEnd(sender)));
});
