import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { addressPort } from '#protocol/address.ts';
import { Burst, D_LENGTH, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { addressOf } from './address.ts';
import { UdpSocket } from './socket.ts';
import { pattern, put, receiveDatagrams } from './testing/traffic.ts';

const SENDER = '10.99.0.1';
const RECEIVER = '10.99.0.2';

/**
 * Two namespaces on a link that does not resolve addresses: what is sent waits at the sender's neighbour entry, charged
 * to its socket, until `release` says where the neighbour is.
 */
const heldLink = (t: TestContext) => {
  const near = testNamespace(t);
  const far = testNamespace(t);
  ip('-n', near.name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', far.name);
  ip('-n', far.name, 'link', 'set', 'v1', 'arp', 'off');
  ip('-n', near.name, 'address', 'add', `${SENDER}/24`, 'dev', 'v0');
  ip('-n', far.name, 'address', 'add', `${RECEIVER}/24`, 'dev', 'v1');
  ip('-n', near.name, 'link', 'set', 'v0', 'up');
  ip('-n', far.name, 'link', 'set', 'v1', 'up');
  // Ask for the neighbour for two minutes, not three seconds, before what waits for it is given up.
  inNamespace(near.path, () => writeFileSync('/proc/sys/net/ipv4/neigh/v0/mcast_solicit', '120'));
  const release = (): void => {
    const [, mac = ''] = /link\/ether (\S+)/.exec(ip('-n', far.name, 'link', 'show', 'v1')) ?? [];
    ip('-n', near.name, 'neighbour', 'replace', RECEIVER, 'lladdr', mac, 'dev', 'v0');
  };
  return { near: near.path, far: far.path, release };
};

for (const gso of [true, false]) {
  test(`a full socket ${gso ? 'with' : 'without'} GSO: sending resumes, nothing is lost or doubled`, {
    skip: needsRoot,
  }, async (t) => {
    const { near, far, release } = heldLink(t);
    const receiver = inNamespace(far, () =>
      UdpSocket.open({ address: RECEIVER, port: 0, receiveBufferBytes: 4 << 20 }),
    );
    const sender = inNamespace(near, () => UdpSocket.open({ address: SENDER, port: 0, sendBufferBytes: 40_000, gso }));
    t.after(() => receiver.close());
    t.after(() => sender.close());
    const remote = addressOf(RECEIVER, addressPort(receiver.localAddress()));
    const burst = new Burst(1 << 20, 16);
    const sent = Array.from({ length: 400 }, (_, i) => pattern(1200, i));
    for (const data of sent) put(burst, data, remote);
    const received = receiveDatagrams(receiver, sent.length);

    let next = sender.send(burst);
    assert.ok(next < burst.count, 'the socket is full');
    assert.equal(sender.counters.wouldBlock, 1);
    if (!gso) assert.ok((burst.words[next * DESCRIPTOR_WORDS + D_LENGTH] as number) < 54 * 1200, 'partly sent');
    const writable = (): Promise<void> => new Promise((resolve) => sender.onceWritable(resolve));
    const first = writable();
    release();
    await first;
    for (next = sender.send(burst, next); next < burst.count; next = sender.send(burst, next)) await writable();

    const arrived = await received;
    assert.deepEqual(
      arrived.map(({ data }) => data),
      sent,
    );
    assert.equal(sender.counters.sentSegments, sent.length);
  });
}

test('a segment that the device cannot carry is counted, GSO goes on for others', { skip: needsRoot }, async (t) => {
  const { near, far, release } = heldLink(t);
  release();
  const receiver = inNamespace(far, () => UdpSocket.open({ address: RECEIVER, port: 0 }));
  const sender = inNamespace(near, () => UdpSocket.open({ address: SENDER, port: 0 }));
  t.after(() => receiver.close());
  t.after(() => sender.close());
  const remote = addressOf(RECEIVER, addressPort(receiver.localAddress()));
  const burst = new Burst(65_536, 8);
  for (let i = 0; i < 4; i++) put(burst, pattern(1500, i), remote);
  assert.equal(sender.send(burst), 1);
  assert.equal(sender.counters.tooLarge, 4);
  burst.clear();
  for (let i = 0; i < 4; i++) put(burst, pattern(1400, i), remote);
  assert.equal(sender.send(burst), 1);
  assert.equal((await receiveDatagrams(receiver, 4)).length, 4);
  assert.equal(sender.counters.sentMessages, 1);
});

test('what routes forbid is counted by kind and holds up nothing, nor does it cost GSO', {
  skip: needsRoot,
}, async (t) => {
  const { name, path } = testNamespace(t);
  for (const [kind, to] of [
    ['prohibit', '10.97.0.1'],
    ['unreachable', '10.97.0.2'],
    ['blackhole', '10.97.0.3'],
  ] as const) {
    ip('-n', name, 'route', 'add', kind, to);
  }
  const [sender, receiver] = inNamespace(path, () => [
    UdpSocket.open({ address: '0.0.0.0', port: 0 }),
    UdpSocket.open({ address: '127.0.0.1', port: 0 }),
  ]);
  t.after(() => sender?.close());
  t.after(() => receiver?.close());
  assert.ok(sender && receiver);
  const burst = new Burst(65_536, 8);
  for (const to of ['10.97.0.1', '10.97.0.2', '10.97.0.3']) {
    for (let i = 0; i < 3; i++) put(burst, pattern(100, i), addressOf(to, 9));
  }
  for (let i = 0; i < 3; i++) put(burst, pattern(100, i), addressOf('127.0.0.1', addressPort(receiver.localAddress())));
  assert.equal(burst.count, 4);
  assert.equal(sender.send(burst), 4);
  assert.equal((await receiveDatagrams(receiver, 3)).length, 3);
  const { notPermitted, unreachable, otherErrors, sentMessages, gsoFallbacks, gsoRefusals } = sender.counters;
  // A black hole answers EINVAL, as a refusal of GSO does: there each segment was tried by itself.
  assert.deepEqual({ notPermitted, unreachable, otherErrors }, { notPermitted: 1, unreachable: 1, otherErrors: 3 });
  assert.deepEqual({ sentMessages, gsoFallbacks, gsoRefusals }, { sentMessages: 1, gsoFallbacks: 0, gsoRefusals: 0 });
});

test('inNamespace brings the thread home, also after an error', { skip: needsRoot }, (t) => {
  const { path } = testNamespace(t);
  const devices = (): string => readFileSync('/proc/thread-self/net/dev', 'utf8').replace(/:.*/g, '');
  const home = devices();
  assert.notEqual(inNamespace(path, devices), home);
  assert.throws(() =>
    inNamespace(path, () => {
      throw new Error('inside');
    }),
  );
  assert.throws(() => inNamespace('/run/netns/no-such', devices), { code: 'ENOENT' });
  assert.equal(devices(), home);
});
