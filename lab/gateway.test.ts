import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

const listen = async (server: net.Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
};

const ask = async (port: number, text: string): Promise<string> => {
  const socket = net.connect(port, '127.0.0.1');
  let got = '';
  socket.on('data', (data) => {
    got += data;
  });
  // It says all that it has to say at once, and waits.
  socket.end(text);
  await once(socket, 'close');
  return got;
};

test('what connects to sockets that were handed over is served by the gateway, also when it says its end first', async (t) => {
  const inside = net.createServer({ allowHalfOpen: true }, (socket) => {
    let got = '';
    socket.on('data', (data) => {
      got += data;
    });
    socket.on('end', () => setImmediate(() => socket.end(`got ${got.length}`)));
  });
  t.after(() => inside.close());
  const order = { host: '127.0.0.1', port: await listen(inside) };
  const gateway = fork(path.join(import.meta.dirname, 'gateway.ts'));
  t.after(() => gateway.kill('SIGKILL'));
  await once(gateway, 'message');
  const door = net.createServer({ pauseOnConnect: true });
  const port = await listen(door);
  await new Promise<void>((resolve, reject) =>
    gateway.send(order, door, (error) => (error === null ? resolve() : reject(error))),
  );
  door.close();
  assert.equal(await ask(port, 'x'.repeat(100_000)), 'got 100000');
  assert.equal(await ask(port, 'y'), 'got 1');
  await new Promise((resolve) => inside.close(resolve));
  // Reset, if what was said had come by then and nobody read it.
  const closed = await ask(port, 'z').catch((error: NodeJS.ErrnoException) => error.code);
  assert.ok(closed === '' || closed === 'ECONNRESET', `nobody is there: the connection is closed, not ${closed}`);
  gateway.kill('SIGKILL');
  await once(gateway, 'exit');
  await assert.rejects(ask(port, ''), /ECONNREFUSED/);
});
