import assert from 'node:assert/strict';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createInternetService, listen } from '../internet-service.ts';
import { deniedConnections } from './denied.ts';
import { connectBySocks, SocksRefusal } from './socks.ts';
import { download, upload } from './transfer.ts';
import { roundTrips } from './trips.ts';

/** A SOCKS5 proxy that leads to `port` whatever it is asked for. @param reply to the n-th request, 0 for success */
const proxyTo = async (t: TestContext, port: number, reply: (n: number) => number = () => 0) => {
  const asked: string[] = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(Uint8Array.of(5, 0));
      socket.once('data', (request) => {
        asked.push(request.toString('hex'));
        const code = reply(asked.length);
        // In pieces, as TCP may deliver it; and the address of the reply is longer where the request's was.
        socket.write(Uint8Array.of(5));
        socket.write(Uint8Array.of(code, 0, request[3] as number));
        socket.write(new Uint8Array(request.length - 4));
        if (code !== 0) socket.end();
        else
          socket
            .pipe(net.connect(port, '127.0.0.1'))
            .on('error', () => socket.destroy())
            .pipe(socket);
      });
    });
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { at: `127.0.0.1:${(server.address() as net.AddressInfo).port}`, asked };
};

const internet = async (t: TestContext): Promise<number> => {
  const server = createInternetService();
  t.after(() => server.close());
  return listen(server, '127.0.0.1', 0);
};

test('IPv4 and IPv6 targets are asked for as RFC 1928 says', async (t) => {
  const { at, asked } = await proxyTo(t, await internet(t));
  for (const [host, port] of [
    ['203.0.113.10', 80],
    ['2001:db8::1:2', 443],
    ['fd00:1:2:3:4:5:6:7', 65_535],
    ['::', 1],
  ] as const) {
    (await connectBySocks(at, host, port)).destroy();
  }
  assert.deepEqual(asked, [
    '05010001cb00710a0050',
    '0501000420010db800000000000000000001000201bb',
    '05010004fd000001000200030004000500060007ffff',
    '05010004000000000000000000000000000000000001',
  ]);
});

test('content goes through the proxy both ways, checked', async (t) => {
  const { at, asked } = await proxyTo(t, await internet(t));
  assert.equal((await download('http://203.0.113.10:8080/bytes/1000000', at)).bytes, 1_000_000);
  assert.equal((await upload('http://203.0.113.10:8080/upload', [Buffer.alloc(70_000, 1)], at)).bytes, 70_000);
  assert.equal(asked.length, 2);
});

test('what the proxy denies is told from what fails and from what succeeds', async (t) => {
  const { at } = await proxyTo(t, await internet(t), (n) => [2, 5, 0][n % 3] as number);
  assert.equal(await deniedConnections(at, '10.64.0.3', 80, 9), 3);
  const denying = await proxyTo(t, 1, () => 2);
  await assert.rejects(connectBySocks(denying.at, '10.64.0.3', 80), (error) => error instanceof SocksRefusal);
  const gone = net.createServer((socket) => socket.destroy());
  t.after(() => gone.close());
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const where = `127.0.0.1:${(gone.address() as net.AddressInfo).port}`;
  await assert.rejects(connectBySocks(where, '10.64.0.3', 80), /ended the connection|ECONNRESET/);
});

test('round trips go on after some were lost, on a connection of their own', async (t) => {
  const { at, asked } = await proxyTo(t, await internet(t), (n) => (n === 1 ? 1 : 0));
  const replies = await roundTrips('http://203.0.113.10:8080/small', 4, 0, at);
  assert.deepEqual(
    replies.map(({ sequence }) => sequence),
    [2, 3, 4],
  );
  assert.equal(asked.length, 2);
});
