import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { inUse } from '#protocol/quic/testing/heap.ts';
import { TcpWriter } from './tcp-writer.ts';

/** A connection and the target's end of it, which reads only when it is asked to. */
const open = async (t: TestContext): Promise<[Socket, Socket]> => {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [target] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    for (const end of [socket, target]) end.destroy();
    server.close();
  });
  return [socket, target];
};

test('a target that takes nothing costs the bytes that wait for it, not the pieces, and gets all of them', async (t) => {
  const [socket, target] = await open(t);
  let written = 0;
  const writer = new TcpWriter(socket, (bytes) => {
    written += bytes;
  });
  const hash = createHash('sha256');
  const send = (bytes: Uint8Array): void => {
    hash.update(bytes);
    writer.write(bytes, 0, bytes.length);
  };
  // More than the kernel takes.
  const first = new Uint8Array(32 << 20).fill(1);
  send(first);
  await new Promise(setImmediate);
  const before = inUse();
  for (let i = 0; i < 200_000; i++) send(Uint8Array.of(i & 255));
  const held = inUse() - before;
  assert.ok(held < 800_000, `${held} bytes held`);
  assert.equal(written, 0);
  writer.end();
  const received = createHash('sha256');
  for await (const chunk of target) received.update(chunk as Buffer);
  assert.equal(received.digest('hex'), hash.digest('hex'));
  assert.equal(written, first.length + 200_000);
});

test('what TCP will never take is told of too', async (t) => {
  const [socket] = await open(t);
  socket.on('error', () => {});
  const told = Promise.withResolvers<void>();
  let written = 0;
  const writer = new TcpWriter(socket, (bytes) => {
    written += bytes;
    if (written === (32 << 20) + 2) told.resolve();
  });
  writer.write(new Uint8Array(32 << 20), 0, 32 << 20);
  writer.write(Uint8Array.of(0, 1, 2, 0), 1, 3);
  socket.resetAndDestroy();
  await told.promise;
});
