import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { addressPort } from '#protocol/address.ts';
import {
  Burst,
  D_ECN,
  D_LENGTH,
  D_OFFSET,
  D_REMOTE,
  D_SEGMENT,
  DESCRIPTOR_WORDS,
  ecnOf,
  waitedUs,
} from '#protocol/burst.ts';
import { nowUs } from '../clock/clock.ts';
import { needsRoot } from '../testing/namespace.ts';
import { addressOf, formatAddress } from './address.ts';
import { type UdpOptions, UdpSocket } from './socket.ts';
import { datagramsOf, pattern, put, receiveDatagrams } from './testing/traffic.ts';

const open = (t: TestContext, address: string, options: Partial<UdpOptions> = {}): UdpSocket => {
  const socket = UdpSocket.open({ address, port: 0, ...options });
  t.after(() => socket.close());
  return socket;
};

const portOf = (socket: UdpSocket): number => addressPort(socket.localAddress());

const CASES = [
  { name: 'IPv4', bind: '127.0.0.1', from: '127.0.0.1', to: '127.0.0.1' },
  { name: 'IPv6', bind: '::1', from: '::1', to: '::1' },
  { name: 'IPv4 to a dual-stack socket', bind: '::', from: '127.0.0.1', to: '127.0.0.1' },
  { name: 'IPv4 from a dual-stack socket', bind: '127.0.0.1', from: '::', to: '127.0.0.1' },
  { name: 'IPv6 to a dual-stack socket', bind: '::', from: '::1', to: '::1' },
] as const;

for (const { name, bind, from, to } of CASES) {
  test(`${name}: a run of datagrams goes by GSO and comes by GRO with content, ECN and both addresses`, async (t) => {
    const receiver = open(t, bind, { receiveBufferBytes: 1 << 20 });
    const sender = open(t, from);
    const remote = addressOf(to, portOf(receiver));
    const sent = Array.from({ length: 44 }, (_, i) => pattern(i === 43 ? 700 : 1350, i));
    for (const ecn of [1, 2, 3, 0]) {
      const burst = new Burst(65_536, 4);
      for (const data of sent) put(burst, data, remote, { ecn });
      assert.equal(burst.count, 1);
      assert.equal(sender.send(burst), 1);
      const arrived = await receiveDatagrams(receiver, sent.length);
      assert.deepEqual(
        arrived.map(({ data }) => data),
        sent,
      );
      const source = from === '::' ? to : from;
      for (const datagram of arrived) {
        assert.equal(datagram.ecn, ecn);
        assert.equal(datagram.remote, formatAddress(addressOf(source, portOf(sender))));
        assert.equal(datagram.local, formatAddress(remote));
      }
    }
    assert.equal(sender.counters.sentMessages, 4);
    assert.equal(sender.counters.sentSegments, 4 * 44);
    assert.equal(sender.counters.sentBytes, 4 * (43 * 1350 + 700));
    assert.equal(sender.counters.gsoFallbacks, 0);
    assert.equal(receiver.counters.receivedMessages, 4);
    assert.equal(receiver.counters.receivedSegments, 4 * 44);
    assert.equal(receiver.counters.receivedBytes, sender.counters.sentBytes);
  });
}

/** Sends two messages of 100 bytes 30 ms apart, ECN 2 and 1, and receives both 30 ms later. */
async function twoThatWait(receiver: UdpSocket, sender: UdpSocket): Promise<{ words: number[]; sent: number[] }> {
  const sent: number[] = [];
  for (const ecn of [2, 1]) {
    const burst = new Burst(4096, 1);
    put(burst, pattern(100, ecn), addressOf('127.0.0.1', portOf(receiver)), { ecn });
    sent.push(nowUs());
    sender.send(burst);
    await wait(30);
  }
  const burst = new Burst(2 * 65_536, 2);
  assert.equal(receiver.receive(burst), 2);
  return { words: [0, 1].map((i) => burst.words[i * DESCRIPTOR_WORDS + D_ECN] as number), sent };
}

test('how long each message waited to be received is told', async (t) => {
  const receiver = open(t, '127.0.0.1', { gro: false, waited: true });
  const sender = open(t, '127.0.0.1');
  let { words, sent } = await twoThatWait(receiver, sender);
  // The kernel begins to stamp messages a while after it was asked to, and a clock that was set tells nothing.
  for (let tries = 0; tries < 20 && words.some((word) => waitedUs(word) < 25_000); tries++)
    ({ words, sent } = await twoThatWait(receiver, sender));
  const now = nowUs();
  const [first, second] = words.map(waitedUs) as [number, number];
  assert.deepEqual(words.map(ecnOf), [2, 1]);
  assert.ok(second >= 25_000 && first >= second + 25_000, `${first}, ${second}`);
  // The clock of the stamps may be slewed meanwhile.
  for (const [i, us] of [first, second].entries()) assert.ok(us <= now - (sent[i] as number) + 1000, `${us}`);
});

test('how long a message waited is not told unless it is asked for', async (t) => {
  const { words } = await twoThatWait(open(t, '127.0.0.1', { gro: false }), open(t, '127.0.0.1'));
  assert.deepEqual(words.map(ecnOf), [2, 1]);
  assert.deepEqual(words.map(waitedUs), [0, 0]);
});

test('a look finds what waits, and gives up in time', (t) => {
  const receiver = open(t, '127.0.0.1');
  const sender = open(t, '127.0.0.1');
  const before = nowUs();
  assert.equal(receiver.look(200), false);
  assert.ok(nowUs() - before >= 200);
  assert.equal(receiver.look(0), false);
  const burst = new Burst(2048, 1);
  put(burst, pattern(100, 1), addressOf('127.0.0.1', portOf(receiver)));
  sender.send(burst);
  // It stays where it is.
  for (let i = 0; i < 2; i++) assert.equal(receiver.look(1000), true);
  const into = new Burst(65_536, 1);
  assert.equal(receiver.receive(into), 1);
  assert.equal(into.words[D_LENGTH], 100);
  assert.equal(receiver.look(0), false);
  // The loop would stand still.
  for (const most of [-1, 1001, Number.POSITIVE_INFINITY, Number.NaN])
    assert.throws(() => receiver.look(most), RangeError);
});

test('replies leave from the address that was asked', async (t) => {
  const server = open(t, '0.0.0.0');
  const client = open(t, '127.0.0.1');
  for (const asked of ['127.0.0.1', '127.0.0.2']) {
    const request = new Burst(4096, 1);
    put(request, pattern(100, 1), addressOf(asked, portOf(server)));
    client.send(request);
    const burst = new Burst(65_536, 1);
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    server.onReadable(() => {
      if (server.receive(burst) === 0) return;
      server.onReadable(undefined);
      // What was received is what is sent: remote and local stay where they are.
      assert.equal(server.send(burst), 1);
      resolve();
    });
    await answered;
    const [reply] = await receiveDatagrams(client, 1);
    assert.equal(reply?.remote, `${asked}:${portOf(server)}`);
  }
});

test('without GSO, and when the kernel refuses it, each segment goes by itself', async (t) => {
  const receiver = open(t, '127.0.0.1', { receiveBufferBytes: 1 << 20 });
  const remote = addressOf('127.0.0.1', portOf(receiver));
  // The kernel refuses GSO on a socket without checksums: the refusal is real, on every device.
  for (const [options, refusals] of [
    [{ gso: false }, 0],
    [{ checksum: false }, 1],
  ] as const) {
    const sender = open(t, '127.0.0.1', options);
    const burst = new Burst(8 * 65_536, 8);
    const sent: Uint8Array[] = [];
    for (let run = 0; run < 3; run++) {
      for (let i = 0; i < 40; i++) {
        const data = pattern(i === 39 ? 11 : 1200, run * 40 + i);
        sent.push(data);
        put(burst, data, remote);
      }
    }
    assert.equal(burst.count, 3);
    assert.equal(sender.send(burst), 3);
    const arrived = await receiveDatagrams(receiver, 120);
    assert.deepEqual(
      arrived.map(({ data }) => data),
      sent,
    );
    assert.equal(sender.counters.gsoFallbacks, 3);
    assert.equal(sender.counters.gsoRefusals, refusals, 'asked once, then remembered');
    assert.equal(sender.counters.sentMessages, 120);
    assert.equal(sender.counters.otherErrors, 0);
  }
});

test('refused GSO is tried anew after 1024 descriptors', (t) => {
  const sender = open(t, '127.0.0.1', { checksum: false });
  const burst = new Burst(65_536, 1);
  for (let i = 0; i < 2; i++) put(burst, pattern(100, i), addressOf('127.0.0.1', 9));
  for (let i = 0; i < 1025; i++) sender.send(burst);
  assert.equal(sender.counters.gsoRefusals, 1);
  sender.send(burst);
  assert.equal(sender.counters.gsoRefusals, 2);
  assert.equal(sender.counters.gsoFallbacks, 1026);
});

test('a segment above the MTU is counted and skipped, what is around it goes', async (t) => {
  const receiver = open(t, '127.0.0.1');
  const sender = open(t, '127.0.0.1');
  const remote = addressOf('127.0.0.1', portOf(receiver));
  const burst = new Burst(262_144, 8);
  put(burst, pattern(50, 1), remote);
  // 65,507 bytes are what one IPv4 packet holds.
  put(burst, new Uint8Array(65_508), remote);
  put(burst, pattern(60, 2), remote);
  assert.equal(sender.send(burst), 3);
  const arrived = await receiveDatagrams(receiver, 2);
  assert.deepEqual(
    arrived.map(({ data }) => data.length),
    [50, 60],
  );
  assert.equal(sender.counters.tooLarge, 1);
});

test('an unreachable family is counted and skipped', (t) => {
  const sender = open(t, '127.0.0.1');
  const burst = new Burst(4096, 2);
  put(burst, pattern(10, 1), addressOf('::1', 9));
  assert.equal(sender.send(burst), 1);
  assert.equal(sender.counters.unreachable, 1);
});

test('empty datagrams travel', async (t) => {
  const receiver = open(t, '::1');
  const sender = open(t, '::1');
  const burst = new Burst(4096, 4);
  put(burst, new Uint8Array(0), addressOf('::1', portOf(receiver)));
  assert.equal(sender.send(burst), 1);
  const [datagram] = await receiveDatagrams(receiver, 1);
  assert.equal(datagram?.data.length, 0);
});

test('a burst is received up to its capacity, the rest later', async (t) => {
  const receiver = open(t, '127.0.0.1', { gro: false });
  const sender = open(t, '127.0.0.1', { gso: false });
  const outgoing = new Burst(4096, 5);
  for (let i = 0; i < 5; i++) put(outgoing, pattern(10 + i, i), addressOf('127.0.0.1', portOf(receiver)));
  sender.send(outgoing);
  await new Promise<void>((resolve) => receiver.onReadable(resolve));
  receiver.onReadable(undefined);
  const burst = new Burst(3 * 65_536, 2);
  assert.equal(receiver.receive(burst), 2);
  assert.equal(receiver.receive(burst), 0, 'no descriptor is free');
  burst.clear();
  assert.equal(receiver.receive(burst), 2);
  const narrow = new Burst(65_535, 4);
  assert.equal(receiver.receive(narrow), 0, 'no slot is free');
  burst.clear();
  assert.equal(receiver.receive(burst), 1);
  assert.deepEqual(datagramsOf(burst)[0]?.data, pattern(14, 4));
});

test('receiving appends behind what the burst holds', async (t) => {
  const receiver = open(t, '127.0.0.1');
  const sender = open(t, '127.0.0.1');
  const burst = new Burst(4 * 65_536, 4);
  for (let i = 0; i < 3; i++) {
    const outgoing = new Burst(4096, 1);
    put(outgoing, pattern(100, i), addressOf('127.0.0.1', portOf(receiver)));
    sender.send(outgoing);
    await new Promise<void>((resolve) => receiver.onReadable(resolve));
    assert.equal(receiver.receive(burst), 1);
  }
  assert.deepEqual(
    datagramsOf(burst).map(({ data }) => data),
    [0, 1, 2].map((i) => pattern(100, i)),
  );
});

test('a message longer than its slot is dropped and counted', async (t) => {
  const receiver = open(t, '127.0.0.1', { slotBytes: 100, gro: false });
  const sender = open(t, '127.0.0.1', { gso: false });
  const remote = addressOf('127.0.0.1', portOf(receiver));
  const burst = new Burst(4096, 4);
  for (const length of [100, 101, 99]) put(burst, pattern(length, length), remote);
  sender.send(burst);
  const arrived = await receiveDatagrams(receiver, 2);
  assert.deepEqual(
    arrived.map(({ data }) => data),
    [pattern(100, 100), pattern(99, 99)],
  );
  assert.equal(receiver.counters.receiveTruncated, 1);
});

test('sending resumes where it is told to', async (t) => {
  const receiver = open(t, '127.0.0.1');
  const sender = open(t, '127.0.0.1');
  const burst = new Burst(4096, 4);
  for (const length of [10, 20, 30]) put(burst, pattern(length, 0), addressOf('127.0.0.1', portOf(receiver)));
  assert.equal(sender.send(burst, 2), 3);
  const [datagram] = await receiveDatagrams(receiver, 1);
  assert.equal(datagram?.data.length, 30);
  assert.equal(sender.send(burst, 3), 3);
});

test('a burst of more messages than one system call takes goes whole', async (t) => {
  const receiver = open(t, '127.0.0.1', { receiveBufferBytes: 4 << 20 });
  const sender = open(t, '127.0.0.1');
  const remote = addressOf('127.0.0.1', portOf(receiver));
  const burst = new Burst(65_536, 200);
  const sent = Array.from({ length: 200 }, (_, i) => pattern(100 + (i % 100), i));
  // Ever longer: no two join, but for the wrap in the middle.
  for (const data of sent) put(burst, data, remote);
  assert.equal(sender.send(burst), burst.count);
  const arrived = await receiveDatagrams(receiver, 200);
  assert.deepEqual(
    arrived.map(({ data }) => data),
    sent,
  );
});

test('options reach the socket', (t) => {
  const first = open(t, '127.0.0.1', { reusePort: true, receiveBufferBytes: 100_000, sendBufferBytes: 50_000 });
  assert.equal(first.receiveBufferBytes, 100_000);
  assert.equal(first.sendBufferBytes, 50_000);
  const port = portOf(first);
  assert.equal(formatAddress(open(t, '127.0.0.1', { reusePort: true, port }).localAddress()), `127.0.0.1:${port}`);
  assert.throws(() => open(t, '127.0.0.1', { port }), { code: 'EADDRINUSE' });
  assert.throws(() => open(t, '192.0.2.77'), { code: 'EADDRNOTAVAIL' });
  assert.throws(() => open(t, '127.0.0.1', { device: 'no-such-dev' }), { code: /^(ENODEV|EPERM)$/ });
});

test('a v6only socket leaves IPv4 on its port to others', (t) => {
  const six = open(t, '::', { v6only: true });
  const port = portOf(six);
  assert.equal(formatAddress(open(t, '0.0.0.0', { port }).localAddress()), `0.0.0.0:${port}`);
  const both = open(t, '::');
  assert.throws(() => open(t, '0.0.0.0', { port: portOf(both) }), { code: 'EADDRINUSE' });
});

test('a mark and a device are taken', { skip: needsRoot }, async (t) => {
  const receiver = open(t, '127.0.0.1', { device: 'lo' });
  const sender = open(t, '127.0.0.1', { device: 'lo', mark: 7 });
  const burst = new Burst(4096, 1);
  put(burst, pattern(10, 1), addressOf('127.0.0.1', portOf(receiver)));
  sender.send(burst);
  assert.equal((await receiveDatagrams(receiver, 1)).length, 1);
});

const BROKEN: readonly (readonly [why: string, word: number, value: number])[] = [
  ['offset behind the buffer', D_OFFSET, 5000],
  ['negative offset', D_OFFSET, -1],
  ['length behind the buffer', D_LENGTH, 0x7fff_ffff],
  ['negative length', D_LENGTH, -1],
  ['no segment size', D_SEGMENT, 0],
  ['negative segment size', D_SEGMENT, -7],
  ['too many segments', D_SEGMENT, 1],
  ['ECN above 3', D_ECN, 4],
  ['no family', D_REMOTE, 0],
];

for (const [why, word, value] of BROKEN) {
  test(`a descriptor with ${why} is refused`, (t) => {
    const socket = open(t, '127.0.0.1');
    const burst = new Burst(4096, 2);
    put(burst, pattern(100, 1), addressOf('127.0.0.1', 9));
    put(burst, pattern(101, 1), addressOf('127.0.0.1', 9));
    burst.words[DESCRIPTOR_WORDS + word] = value;
    assert.throws(() => socket.send(burst), { name: 'RangeError', message: /^descriptor 1 / });
    assert.equal(socket.counters.sentMessages, 1);
  });
}

test('a burst that lies about itself is refused', (t) => {
  const socket = open(t, '127.0.0.1');
  const burst = new Burst(65_536, 2);
  burst.count = 3;
  assert.throws(() => socket.send(burst), RangeError);
  assert.throws(() => socket.receive(burst), RangeError);
  burst.count = 0;
  burst.used = 65_537;
  assert.throws(() => socket.receive(burst), RangeError);
  burst.used = Number.NaN;
  assert.throws(() => socket.receive(burst), RangeError);
  burst.used = 0;
  structuredClone(burst.buffer, { transfer: [burst.buffer.buffer as ArrayBuffer] });
  assert.equal(socket.receive(burst), 0, 'a detached buffer has no room');
});

test('a closed socket says so, and closes twice', (t) => {
  const socket = open(t, '127.0.0.1');
  socket.close();
  socket.close();
  assert.throws(() => socket.receive(new Burst(65_536, 1)), { code: 'ERR_CLOSED' });
  assert.throws(() => socket.counters, { code: 'ERR_CLOSED' });
  socket.onReadable(() => assert.fail());
});

test('a socket closes inside its own callback', async (t) => {
  const receiver = open(t, '127.0.0.1');
  const sender = open(t, '127.0.0.1');
  const burst = new Burst(4096, 1);
  put(burst, pattern(10, 1), addressOf('127.0.0.1', portOf(receiver)));
  sender.send(burst);
  let calls = 0;
  await new Promise<void>((resolve) =>
    receiver.onReadable(() => {
      calls++;
      receiver.close();
      resolve();
    }),
  );
  // The datagram was never taken: an open watch would come again at the next turn of the loop.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls, 1);
});

test('a writable wake-up comes once', async (t) => {
  const socket = open(t, '127.0.0.1');
  let calls = 0;
  for (let i = 1; i <= 3; i++) {
    await new Promise<void>((resolve) => {
      socket.onceWritable(() => {
        calls++;
        resolve();
      });
    });
    assert.equal(calls, i);
  }
});
