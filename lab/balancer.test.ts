import assert from 'node:assert/strict';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createBalancer, parseTarget } from './balancer.ts';

const listen = (t: TestContext, server: net.Server): Promise<number> =>
  new Promise((resolve) => {
    t.after(() => server.close());
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
  });

const named = (name: string): net.Server =>
  net.createServer({ allowHalfOpen: true }, (socket) => {
    let got = '';
    socket.on('data', (data) => {
      got += data;
    });
    socket.on('end', () => socket.end(`${name} ${got.length}`));
    socket.on('error', () => {});
  });

const ask = (port: number, text = 'x'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.end(text));
    let got = '';
    socket.on('data', (data) => {
      got += data;
    });
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
  });

test('connections go to the copies in turn, whole, and past one that is gone', async (t) => {
  const a = named('a');
  const ports = [await listen(t, a), await listen(t, named('b'))];
  const balancer = await listen(t, createBalancer(ports.map((port) => ({ host: '127.0.0.1', port }))));
  assert.deepEqual([await ask(balancer), await ask(balancer), await ask(balancer)], ['a 1', 'b 1', 'a 1']);
  assert.equal(await ask(balancer, 'y'.repeat(1_000_000)), 'b 1000000');
  await new Promise((resolve) => a.close(resolve));
  assert.deepEqual([await ask(balancer), await ask(balancer)], ['b 1', 'b 1']);
});

test('without any copy the connection ends', async (t) => {
  const balancer = await listen(t, createBalancer([{ host: '127.0.0.1', port: 1 }]));
  assert.equal(await ask(balancer).catch((error) => error.code), '');
});

test('targets are host:port', () => {
  assert.deepEqual(parseTarget('[::1]:80'), { host: '::1', port: 80 });
  for (const bad of ['', ':80', 'host', 'host:', 'host:0', 'host:65536', 'host:x'])
    assert.throws(() => parseTarget(bad), RangeError);
});
