import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { ADDRESS_WORDS, addressPort } from '#protocol/address.ts';
import { Burst, D_LOCAL, D_REMOTE, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { ListenSockets } from './listen-sockets.ts';

const NONE = new Int32Array(ADDRESS_WORDS);

const open = (t: TestContext, address: string): UdpSocket => {
  const socket = UdpSocket.open({ address, port: 0, v6only: true });
  t.after(() => socket.close());
  return socket;
};

const received = async (socket: UdpSocket, count: number): Promise<Burst> => {
  const burst = new Burst(1 << 20, 16);
  await new Promise<void>((resolve) => {
    socket.onReadable(() => {
      socket.receive(burst);
      if (burst.count >= count) resolve();
    });
  });
  socket.onReadable(undefined);
  return burst;
};

const remotePorts = (burst: Burst): number[] =>
  Array.from({ length: burst.count }, (_, i) => addressPort(burst.words, i * DESCRIPTOR_WORDS + D_REMOTE));

test('each datagram leaves by the socket that its local address belongs to, in order', async (t) => {
  const [one, two, six] = [open(t, '127.0.0.1'), open(t, '127.0.0.2'), open(t, '::1')];
  const sockets = new ListenSockets([one, two, six]);
  const peer = open(t, '127.0.0.1');
  const peer6 = open(t, '::1');
  const burst = new Burst(4096, 16);
  const put = (to: UdpSocket, local: Int32Array): void => {
    burst.buffer[burst.used] = burst.count;
    burst.commit(10, 0, to.localAddress(), 0, local, 0);
  };
  put(peer, two.localAddress());
  put(peer, one.localAddress());
  put(peer6, six.localAddress());
  // No local address: by family.
  put(peer, NONE);
  put(peer6, NONE);
  assert.equal(sockets.send(burst), 5);
  const port = (socket: UdpSocket): number => addressPort(socket.localAddress());
  assert.deepEqual(remotePorts(await received(peer, 3)), [port(two), port(one), port(one)]);
  assert.deepEqual(remotePorts(await received(peer6, 2)), [port(six), port(six)]);
});

test('what arrives at any of them is received, with the address that was asked', async (t) => {
  const [one, two] = [open(t, '127.0.0.1'), open(t, '127.0.0.2')];
  const sockets = new ListenSockets([one, two]);
  const peer = open(t, '127.0.0.1');
  const out = new Burst(4096, 16);
  for (const socket of [one, two]) out.commit(10, 0, socket.localAddress(), 0, NONE, 0);
  assert.equal(peer.send(out), 2);
  const burst = new Burst(1 << 20, 16);
  await new Promise<void>((resolve) => {
    sockets.onReadable(() => {
      sockets.receive(burst);
      if (burst.count === 2) resolve();
    });
  });
  const hosts = [0, 1].map((i) => burst.words[i * DESCRIPTOR_WORDS + D_LOCAL + 2] as number);
  const expected = ['127.0.0.1', '127.0.0.2'].map((text) => addressOf(text)[2] as number);
  assert.deepEqual(new Set(hosts), new Set(expected));
  sockets.close();
});
