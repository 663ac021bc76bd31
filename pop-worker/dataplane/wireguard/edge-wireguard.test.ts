import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { systemRandom } from '#host/random/random.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { addressPort } from '#protocol/address.ts';
import { Burst, D_LENGTH, D_OFFSET, D_SEGMENT } from '#protocol/burst.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, packet } from '#protocol/ip/testing/packets.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { Drop } from '#protocol/wireguard/drop.ts';
import { IN_WORDS } from '#protocol/wireguard/packets.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import { Faults } from '../faults.ts';
import { Carriers } from '../forward/carriers.ts';
import { Forwarder } from '../forward/forwarder.ts';
import { TenantTable } from '../forward/tenant-table.ts';
import type { Handoff } from '../handoff/handoff.ts';
import type { TunPort } from '../tun-port.ts';
import { EdgeWireGuard } from './edge-wireguard.ts';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const SOURCE = '10.64.0.2';

/** Two workers with one key, a client of theirs, and the client's datagrams as they would be received. */
const scene = (t: TestContext, { threads = 1, handshakesASecond = 1000 } = {}) => {
  const passed: [worker: number, thread: number, bytes: number][] = [];
  const workers = [1, 2].map(() => {
    const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
    tenants.defineTenant('red', [prefix('10.64.0.0/10')]);
    const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
    const lent: (Uint8Array | undefined)[] = [];
    const tunPort = { lasting: undefined as Uint8Array | undefined, flush: () => void lent.push(tunPort.lasting) };
    const forwarder = new Forwarder({
      ...{ tenants, egress: { add: () => true }, router4: address('192.0.2.1'), router6: address('2001:db8:a::1') },
      refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    });
    const edge: EdgeWireGuard = new EdgeWireGuard({
      setup: {
        port: 51_820,
        privateKey: new Uint8Array(32).fill(200),
        mtu: 1420,
        mostPeers: 100,
        handshakesASecond,
      },
      ...{ socket, tenants, forwarder, faults: new Faults(() => {}), notify: () => {}, settles: true },
      ...{ others: undefined, index: 0, threads },
      admission: { objection: () => undefined },
      tunPort: tunPort as unknown as TunPort,
      handoff: {
        pass: (worker: number, thread: number, _: Uint8Array, start: number, end: number) =>
          passed.push([worker, thread, end - start]) > 0,
      } as unknown as Handoff,
      endFor: () => {},
      mayRun: () => true,
      afterTurn: () => edge.run(),
    });
    t.after(() => edge.close());
    return { edge, tenants, lent, at: addressOf('127.0.0.1', addressPort(socket.localAddress())) };
  });
  const [one, two] = workers as [(typeof workers)[0], (typeof workers)[0]];
  const client = new WireGuard({
    ...{ privateKey: new Uint8Array(32).fill(2), ports: enginePorts(), random: systemRandom, isRoutedByCaller: true },
    ...{ unixUs: () => Date.now() * 1000, sink: { packets: () => {}, confirmed: () => {}, moved: () => {} } },
  });
  client.addPeer({ number: 0, publicKey: one.edge.core.publicKey, endpoint: one.at });
  const record = { tenant: 'red', device: 'd', number: 7, publicKey: client.publicKey, egress: true };
  for (const { edge } of workers) edge.setPeers([{ ...record, sources: [`${SOURCE}/32`] }]);
  const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
  t.after(() => socket.close());
  const home = addressOf('127.0.0.1', addressPort(socket.localAddress()));
  /** Microseconds by which the client's time is ahead. */
  const clock = { ahead: 0 };
  /** What the client sends now, as it comes to some port. */
  const burstOf = (...packets: readonly Uint8Array[]): Burst => {
    const out = new Burst(1 << 16, 64);
    const words = new Int32Array(IN_WORDS * packets.length);
    const buffer = Uint8Array.from(Buffer.concat(packets));
    let used = 0;
    for (const [i, { length }] of packets.entries()) {
      words.set([used, length], IN_WORDS * i);
      used += length;
    }
    const peers = new Int32Array(packets.length);
    client.handle({ kind: 'packets', packets: { buffer, words, count: packets.length, peers } }, now() + clock.ahead);
    while (client.poll(now() + clock.ahead, out));
    const burst = new Burst(0, 64, out.buffer);
    for (let i = 0; i < out.count; i++) {
      const from = i * 16;
      burst.used = out.words[from + D_OFFSET] as number;
      const [bytes, segment] = [out.words[from + D_LENGTH] as number, out.words[from + D_SEGMENT] as number];
      burst.commitRun(bytes, segment, 0, home, 0, addressOf('127.0.0.1', 51_820), 0);
    }
    return burst;
  };
  const receive = async (): Promise<void> => {
    const received = new Burst(1 << 18, 4);
    for (const end = performance.now() + 5000; socket.receive(received) === 0; await new Promise(setImmediate))
      assert.ok(performance.now() < end, 'nothing came');
    client.handle({ kind: 'datagrams', burst: received }, now() + clock.ahead);
  };
  return { one, two, client, clock, passed, burstOf, receive };
};

const now = (): number => performance.now() * 1000;
const PACKET = packet({ source: SOURCE });

test('of what was handed over it takes its own, while packets for the TUN lie in that buffer', async (t) => {
  const { one, burstOf, receive } = scene(t);
  const initiation = burstOf(PACKET);
  initiation.commit(100, 0, addressOf('127.0.0.1', 9), 0, addressOf('127.0.0.1', 443), 0);
  one.edge.takeHanded(initiation, false);
  assert.equal(initiation.count, 1, 'that of QUIC');
  one.edge.run();
  await receive();
  const data = burstOf(PACKET);
  one.edge.takeHanded(data, false);
  assert.deepEqual([data.count, one.edge.sessions.size], [0, 1]);
  assert.deepEqual(one.lent, [initiation.buffer, data.buffer]);
});

test('a message of a session that another worker has goes there, and begins a handshake here', async (t) => {
  const { one, two, passed, burstOf, receive } = scene(t);
  one.edge.takeHanded(burstOf(PACKET), false);
  one.edge.run();
  await receive();
  const session = { thread: 1, id: 0, serial: 1, tenant: 'red', device: 'd', sources: [prefix(`${SOURCE}/32`)] };
  // With the one that waited for the handshake.
  two.edge.takeHanded(burstOf(PACKET, PACKET), false);
  assert.deepEqual([passed, two.edge.core.dropped[Drop.unknownIndex]], [[], 3], 'nobody has said that it is anywhere');
  two.tenants.attachRemote({ ...session, epoch: 5, member: 3 });
  two.edge.takeHanded(burstOf(PACKET), false);
  assert.deepEqual(passed, [[3, 0, 80]]);
  two.tenants.detachRemote(session);
  two.tenants.attachRemote({ ...session, serial: 2, device: 'other', epoch: 6, member: 4 });
  two.edge.takeHanded(burstOf(PACKET), false);
  assert.equal(passed.length, 1, 'its address is another device’s');
  two.edge.run();
  assert.equal(two.edge.core.totals.initiationsSent, 1);
});

test('timestamps of its handshakes are later than what other workers had', (t) => {
  const { one } = scene(t);
  const later = Date.now() + 60_000;
  one.edge.observe(later);
  assert.ok(one.edge.core.timestampUs > later * 1000 + 999);
  one.edge.observe(later - 5000);
  assert.ok(one.edge.core.timestampUs > later * 1000 + 999);
});

test('who drains asks twenty devices each 100 ms, each of them twice, and those no more that have left', async (t) => {
  const { one } = scene(t);
  const { core, sessions } = one.edge;
  const ids = Array.from({ length: 25 }, (_, i) => i + 1);
  one.edge.setPeers(
    ids.map((number) => ({
      ...{ tenant: 'red', device: `d${number}`, number, egress: true, sources: [`10.64.1.${number}/32`] },
      publicKey: rawPublicKey(privateKeyOf(new Uint8Array(32).fill(number))),
    })),
  );
  for (const peer of core.peers) {
    core.setEndpoint(peer, one.at);
    sessions.isHere(peer);
  }
  const begun = async (count: number): Promise<void> => {
    for (const end = performance.now() + 5000; core.totals.initiationsSent < count; await new Promise(setImmediate))
      assert.ok(performance.now() < end, `${core.totals.initiationsSent}`);
  };
  one.edge.drain();
  assert.equal(core.totals.initiationsSent, 20);
  for (const { session, end } of sessions.live()) if (session.device === 'd1' || session.device === 'd25') end('moved');
  await begun(43);
  await begun(47);
  one.edge.drain();
  assert.equal(core.totals.initiationsSent, 67);
  one.edge.undrain();
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.equal(core.totals.initiationsSent, 67);
});

/** Data of no session with peer 7, from somewhere. */
const forged = (): Burst => {
  const burst = new Burst(1 << 12, 1);
  burst.buffer.set([4, 0, 0, 0, 0, 7, 0, 0]);
  burst.commit(1000, 0, addressOf('127.0.0.1', 9), 0, addressOf('127.0.0.1', 51_820), 0);
  return burst;
};

test('a device that is here is begun with nowhere else, however long it is silent, until it has moved', async (t) => {
  const { one, burstOf, receive } = scene(t);
  one.edge.takeHanded(burstOf(PACKET), false);
  one.edge.run();
  await receive();
  one.edge.takeHanded(burstOf(PACKET), false);
  assert.equal(one.edge.sessions.size, 1);
  await wait(2100);
  const begun = (): number => one.edge.core.totals.initiationsSent;
  one.edge.takeHanded(forged(), false);
  one.edge.run();
  assert.equal(begun(), 0);
  for (const { session } of one.edge.sessions.live()) session.hasMoved = true;
  one.edge.takeHanded(forged(), false);
  one.edge.run();
  assert.equal(begun(), 1);
});

test('what another worker handed over begins nothing here: that one has counted it', (t) => {
  const { two } = scene(t);
  const begun = [true, false].map((isOfWorker) => {
    two.edge.takeHanded(forged(), isOfWorker);
    two.edge.run();
    return two.edge.core.totals.initiationsSent;
  });
  assert.deepEqual(begun, [0, 1]);
});

const KEY = new Uint8Array(32).fill(200);

for (const [what, keys] of [
  ['the same key', { privateKey: KEY }],
  ['it as the one before', { privateKey: new Uint8Array(32).fill(201), previousPrivateKey: KEY }],
] as const)
  test(`a cookie of one worker is taken by another that has ${what}`, async (t) => {
    const { one, two, clock, burstOf, receive } = scene(t, { handshakesASecond: 0 });
    one.edge.takeHanded(burstOf(PACKET), false);
    one.edge.run();
    assert.equal(one.edge.core.dropped[Drop.cookieSent], 1);
    await receive();
    two.edge.setKeys(structuredClone(keys));
    clock.ahead = 6e6;
    two.edge.takeHanded(burstOf(), false);
    const { dropped, totals } = two.edge.core;
    assert.deepEqual([dropped[Drop.cookieSent], totals.responsesSent], [0, 1]);
  });

test('the threads of a worker share its rate of handshakes, and each has one a second at least', (t) => {
  const cookies = (threads: number, handshakesASecond: number): number => {
    const { one, burstOf } = scene(t, { threads, handshakesASecond });
    const initiation = burstOf(PACKET);
    for (let i = 0; i < 20; i++) {
      one.edge.takeHanded(initiation, false);
      initiation.count = 1;
    }
    assert.equal(one.edge.core.totals.responsesSent, 1);
    return one.edge.core.dropped[Drop.cookieSent] as number;
  };
  assert.equal(cookies(1, 400), 0, 'a tenth of a second at once: 40');
  assert.ok(cookies(4, 400) > 0, '10 of each');
  assert.ok(cookies(4, 1) > 0, 'the first one is answered all the same');
});
