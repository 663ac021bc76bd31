import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { Burst } from '#protocol/burst.ts';
import { receiverIndex } from '#protocol/wireguard/receiver-index.ts';
import { MessageType, writeWord } from '#protocol/wireguard/wire/message.ts';
import { steering, threadOf } from './steering.ts';

const HOST = '127.0.0.1';
const TYPES = [
  { type: MessageType.transport, receiverAt: 4, bytes: 32 },
  { type: MessageType.cookieReply, receiverAt: 4, bytes: 64 },
  { type: MessageType.response, receiverAt: 8, bytes: 92 },
];

/** Sockets of so many threads at one port, in their order, and one that sends there. */
const group = (t: TestContext, threads: number) => {
  const port = addressPort(open(t, 0).localAddress());
  const sockets = Array.from({ length: threads }, () => open(t, port + 1));
  for (const socket of sockets) socket.steer(steering(threads));
  const from = UdpSocket.open({ address: HOST, port: 0 });
  t.after(() => from.close());
  const sent = new Burst(1 << 16, 64);
  const to = addressOf(HOST, port + 1);
  return {
    send: (bytes: Uint8Array): void => {
      sent.clear();
      sent.buffer.set(bytes, sent.used);
      sent.commit(bytes.length, 0, to, 0, to, 0);
      assert.equal(from.send(sent), 1);
    },
    /** How many datagrams each has got. */
    got: (): number[] =>
      sockets.map((socket) => {
        const burst = new Burst(1 << 18, 4);
        let count = 0;
        while (socket.receive(burst) > 0) {
          count += burst.count;
          burst.clear();
        }
        return count;
      }),
  };
};

const open = (t: TestContext, port: number): UdpSocket => {
  const socket = UdpSocket.open({ address: HOST, port, reusePort: true, gro: false });
  t.after(() => socket.close());
  return socket;
};

test('the kernel gives each message of a session to the thread that has its peer, wherever it comes from', (t) => {
  const threads = 3;
  const { send, got } = group(t, threads);
  for (const { type, receiverAt, bytes } of TYPES) {
    for (const number of [0, 1, 2, 5, 255, 256, 0xff_ffff, 0xab_cd_07]) {
      for (const generation of [0, 1, 255]) {
        const message = new Uint8Array(bytes);
        writeWord(message, 0, type);
        writeWord(message, receiverAt, receiverIndex(number, generation));
        send(message);
        const expected = [0, 0, 0];
        expected[threadOf(number, threads)] = 1;
        assert.deepEqual(got(), expected, `${type} ${number}`);
      }
    }
  }
});

test('what names no peer, initiations above all, goes by its flow, and nothing is lost', (t) => {
  const { send, got } = group(t, 2);
  for (const bytes of [0, 1, 4, 5, 148].map((length) => new Uint8Array(length).fill(1, 0, 1))) send(bytes);
  for (const type of [0, 5, 255]) send(new Uint8Array(40).fill(type, 0, 1));
  const each = got();
  assert.equal(each[0] === 0 || each[1] === 0, true, 'they are of one flow');
  assert.equal((each[0] as number) + (each[1] as number), 8);
  // Cut off within the receiver index.
  send(new Uint8Array([4, 0, 0, 0, 0]));
  const [first, second] = got();
  assert.equal((first as number) + (second as number), 1);
});

test('peers are spread evenly over any number of threads', () => {
  for (const threads of [1, 2, 7, 64]) {
    const each = new Array(threads).fill(0);
    for (let number = 0; number < 65_536; number++) each[threadOf(number, threads)]++;
    assert.ok(Math.max(...each) / Math.min(...each) <= 4 / 3, `${threads}: ${each}`);
  }
});
