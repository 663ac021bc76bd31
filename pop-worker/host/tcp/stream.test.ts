import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { addressOf } from '../udp/address.ts';
import { TcpAttempt } from './connect.ts';
import { TcpStream } from './stream.ts';

const PIECE = 10_000;
const MOST_PIECES = 5000;

test('whatever the size of what a full socket did not take, it is told when that has gone', async (t) => {
  const met = Promise.withResolvers<Socket>();
  const server = createServer({ pauseOnConnect: true }, met.resolve).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { readonly port: number };
  const descriptor = await new Promise<number>((resolve, reject) => {
    const done = (result: number | Error): void => (typeof result === 'number' ? resolve(result) : reject(result));
    new TcpAttempt(addressOf('0.0.0.0'), '', addressOf('127.0.0.1', port), { hopLimit: 64, leastHopLimit: 0 }, done);
  });
  const drained = Promise.withResolvers<void>();
  const stream = new TcpStream(descriptor, { received: () => {}, drained: drained.resolve, ended: () => {} });
  t.after(() => stream.close());
  let pieces = 1;
  while (stream.write(new Uint8Array(PIECE))) assert.ok(++pieces < MOST_PIECES);
  const reader = await met.promise;
  t.after(() => reader.destroy());
  reader.resume();
  await drained.promise;
  assert.ok(stream.write(new Uint8Array(PIECE)));
});
