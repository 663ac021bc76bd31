import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { systemRandom } from '#host/random/random.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { addressPort } from '#protocol/address.ts';
import { Burst, D_LENGTH, D_OFFSET, D_SEGMENT } from '#protocol/burst.ts';
import { handoffCounters } from '#protocol/handoff/counters.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, packet } from '#protocol/ip/testing/packets.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import type { Verdict } from '#protocol/wireguard/anycast/questions.ts';
import { Drop } from '#protocol/wireguard/drop.ts';
import { IN_WORDS } from '#protocol/wireguard/packets.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import { allocateExchange, Exchange, MAX_RECORD_BYTES } from '../exchange/exchange.ts';
import { OtherThreads, type OwnWork } from '../exchange/other-threads.ts';
import { Faults } from '../faults.ts';
import { Carriers } from '../forward/carriers.ts';
import { Forwarder } from '../forward/forwarder.ts';
import { TenantTable } from '../forward/tenant-table.ts';
import { type Handed, UNASKED } from '../handoff/handed.ts';
import type { TunPort } from '../tun-port.ts';
import { EdgeWireGuard } from './edge-wireguard.ts';
import type { ThreadPeers } from './thread-peers.ts';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const SOURCE = '10.64.0.2';
const NONE = new Uint8Array();

/** As a thread is told of new ones of its own. */
const peersOf = (...changed: readonly WireGuardPeer[]): ThreadPeers => ({
  ...{ changed, removed: [], elsewhere: NONE, nowhere: NONE },
});

/** Two workers with one key, a client of theirs, and the client's datagrams as they would be received. */
const scene = (t: TestContext, { threads = 1, handshakesASecond = 1000 } = {}) => {
  const passed: [worker: number, thread: number, bytes: number, question: number][] = [];
  const answers: [asker: Handed, verdict: Verdict][] = [];
  const memory = allocateExchange(2);
  const workers = [0, 1].map((index) => {
    const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
    tenants.defineTenant('red', [prefix('10.64.0.0/10')]);
    const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
    const lent: (Uint8Array | undefined)[] = [];
    const tunPort = { lasting: undefined as Uint8Array | undefined, flush: () => void lent.push(tunPort.lasting) };
    const forwarder = new Forwarder({
      ...{ tenants, egress: { add: () => true }, router4: address('192.0.2.1'), router6: address('2001:db8:a::1') },
      refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    });
    const exchange = new Exchange(memory, index, 0);
    const others = new OtherThreads(
      exchange,
      { datagrams: (...burst) => edge.takeHanded(...burst), turnOver: () => edge.run() } as OwnWork,
      MAX_RECORD_BYTES,
    );
    exchange.listen(others);
    t.after(() => exchange.close());
    const counters = handoffCounters();
    const view = { asks: false, silentFrom: 0, isDead: false };
    const edge: EdgeWireGuard = new EdgeWireGuard({
      setup: {
        port: 51_820,
        privateKey: new Uint8Array(32).fill(200),
        mtu: 1420,
        mostPeers: 100,
        handshakesASecond,
      },
      ...{ socket, tenants, forwarder, faults: new Faults(() => {}), notify: () => {}, settles: true },
      ...(threads === 2 ? { others, index, threads } : { others: undefined, index: 0, threads }),
      admission: { objection: () => undefined },
      tunPort: tunPort as unknown as TunPort,
      handoff: {
        counters,
        pass: (worker, thread, _, start, end, __, ___, question) =>
          passed.push([worker, thread, end - start, question]) > 0,
        asks: () => view.asks,
        isDead: () => view.isDead,
        silentFrom: () => view.silentFrom,
        answer: (...answer) => void answers.push(answer),
      },
      endFor: () => {},
      mayRun: () => true,
      afterTurn: () => edge.run(),
    });
    t.after(() => edge.close());
    return {
      edge,
      others,
      counters,
      view,
      tenants,
      lent,
      at: addressOf('127.0.0.1', addressPort(socket.localAddress())),
    };
  });
  const [one, two] = workers as [(typeof workers)[0], (typeof workers)[0]];
  const client = new WireGuard({
    ...{ privateKey: new Uint8Array(32).fill(2), ports: enginePorts(), random: systemRandom, isRoutedByCaller: true },
    ...{ unixUs: () => Date.now() * 1000, sink: { packets: () => {}, confirmed: () => {}, moved: () => {} } },
  });
  client.addPeer({ number: 0, publicKey: one.edge.core.publicKey, endpoint: one.at });
  const record = { tenant: 'red', device: 'd', number: 7, publicKey: client.publicKey, egress: true };
  for (const { edge } of workers) edge.changePeers(peersOf({ ...record, sources: [`${SOURCE}/32`] }));
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
  return { one, two, client, clock, passed, answers, burstOf, receive };
};

const now = (): number => performance.now() * 1000;
const PACKET = packet({ source: SOURCE });

test('of what was handed over it takes its own, while packets for the TUN lie in that buffer', async (t) => {
  const { one, burstOf, receive } = scene(t);
  const initiation = burstOf(PACKET);
  initiation.commit(100, 0, addressOf('127.0.0.1', 9), 0, addressOf('127.0.0.1', 443), 0);
  one.edge.takeHanded(initiation, undefined);
  assert.equal(initiation.count, 1, 'that of QUIC');
  one.edge.run();
  await receive();
  const data = burstOf(PACKET);
  one.edge.takeHanded(data, undefined);
  assert.deepEqual([data.count, one.edge.sessions.size], [0, 1]);
  assert.deepEqual(one.lent, [initiation.buffer, data.buffer]);
});

test('a message of a session that another worker has goes there, and begins a handshake here', async (t) => {
  const { one, two, passed, burstOf, receive } = scene(t);
  one.edge.takeHanded(burstOf(PACKET), undefined);
  one.edge.run();
  await receive();
  const session = { thread: 1, id: 0, serial: 1, tenant: 'red', device: 'd', sources: [prefix(`${SOURCE}/32`)] };
  // With the one that waited for the handshake.
  two.edge.takeHanded(burstOf(PACKET, PACKET), undefined);
  assert.deepEqual([passed, two.edge.core.dropped[Drop.unknownIndex]], [[], 3], 'nobody has said that it is anywhere');
  two.tenants.attachRemote({ ...session, epoch: 5, member: 3 });
  two.edge.takeHanded(burstOf(PACKET), undefined);
  assert.deepEqual(passed, [[3, 0, 80, 0]], 'it cannot be asked');
  two.tenants.detachRemote(session);
  two.tenants.attachRemote({ ...session, serial: 2, device: 'other', epoch: 6, member: 4 });
  two.edge.takeHanded(burstOf(PACKET), undefined);
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
  one.edge.changePeers({ ...peersOf(), removed: [7] });
  one.edge.changePeers(
    peersOf(
      ...ids.map((number) => ({
        ...{ tenant: 'red', device: `d${number}`, number, egress: true, sources: [`10.64.1.${number}/32`] },
        publicKey: rawPublicKey(privateKeyOf(new Uint8Array(32).fill(number))),
      })),
    ),
  );
  while (core.peerCount < ids.length) await new Promise(setImmediate);
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
  one.edge.takeHanded(burstOf(PACKET), undefined);
  one.edge.run();
  await receive();
  one.edge.takeHanded(burstOf(PACKET), undefined);
  assert.equal(one.edge.sessions.size, 1);
  await wait(2100);
  const begun = (): number => one.edge.core.totals.initiationsSent;
  one.edge.takeHanded(forged(), undefined);
  one.edge.run();
  assert.equal(begun(), 0);
  for (const { session } of one.edge.sessions.live()) session.hasMoved = true;
  one.edge.takeHanded(forged(), undefined);
  one.edge.run();
  assert.equal(begun(), 1);
});

test('what another worker handed over begins nothing here: that one has counted it', (t) => {
  const { two } = scene(t);
  const begun = [UNASKED, undefined].map((handed) => {
    two.edge.takeHanded(forged(), handed);
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
    one.edge.takeHanded(burstOf(PACKET), undefined);
    one.edge.run();
    assert.equal(one.edge.core.dropped[Drop.cookieSent], 1);
    await receive();
    two.edge.setKeys(structuredClone(keys));
    clock.ahead = 6e6;
    two.edge.takeHanded(burstOf(), undefined);
    const { dropped, totals } = two.edge.core;
    assert.deepEqual([dropped[Drop.cookieSent], totals.responsesSent], [0, 1]);
  });

test('the threads of a worker share its rate of handshakes, and each has one a second at least', (t) => {
  const cookies = (threads: number, handshakesASecond: number): number => {
    const { one, burstOf } = scene(t, { threads, handshakesASecond });
    const initiation = burstOf(PACKET);
    for (let i = 0; i < 20; i++) {
      one.edge.takeHanded(initiation, undefined);
      initiation.count = 1;
    }
    assert.equal(one.edge.core.totals.responsesSent, 1);
    return one.edge.core.dropped[Drop.cookieSent] as number;
  };
  assert.equal(cookies(1, 400), 0, 'a tenth of a second at once: 40');
  assert.ok(cookies(4, 400) > 0, '10 of each');
  assert.ok(cookies(4, 1) > 0, 'the first one is answered all the same');
});

/** The first 80 bytes of a datagram. */
const short = ({ buffer, words }: Burst): Burst => {
  const burst = new Burst(1 << 12, 2);
  const at = words[D_OFFSET] as number;
  burst.buffer.set(buffer.subarray(at, at + 80));
  burst.commit(80, 0, words, 4, words, 10);
  return burst;
};

/** A session of the client at worker one, as two knows it. */
const REMOTE = {
  ...{ thread: 1, id: 0, serial: 1, tenant: 'red', device: 'd', sources: [prefix(`${SOURCE}/32`)] },
  ...{ epoch: 5, member: 3 },
};

test('who has the session is asked with what comes in its device’s name, and what it says decides', async (t) => {
  const { one, two, passed, answers, burstOf, receive } = scene(t);
  one.edge.takeHanded(burstOf(PACKET), undefined);
  one.edge.run();
  await receive();
  two.tenants.attachRemote(REMOTE);
  two.view.asks = true;
  const begun = (): number => {
    two.edge.run();
    return two.edge.core.totals.initiationsSent;
  };
  // Those that waited for the handshake, and this one, are of 80 bytes.
  const first = short(burstOf(PACKET));
  two.edge.takeHanded(first, undefined);
  const question = passed[0]?.[3] as number;
  assert.deepEqual([passed.length, question > 0, begun()], [1, true, 0]);
  first.count = 1;
  one.edge.takeHanded(first, { worker: 9, thread: 2, question });
  assert.deepEqual(answers, [[{ worker: 9, thread: 2, question }, 'authentic']]);
  two.edge.answered(3, question, 'authentic');
  assert.equal(begun(), 1, '80 bytes that are vouched for');
  for (const second of [forged(), forged()]) two.edge.takeHanded(second, undefined);
  assert.equal(begun(), 1, 'they come from elsewhere');
  one.edge.takeHanded(forged(), { worker: 9, thread: 2, question: 77 });
  assert.deepEqual(answers[1], [{ worker: 9, thread: 2, question: 77 }, 'forged']);
  assert.equal(passed.at(-1)?.[3], 0);
});

test('data that another worker hands over takes no device back that has moved there, and still gets through', async (t) => {
  const { one, burstOf, receive } = scene(t);
  const { sessions } = one.edge;
  one.edge.takeHanded(burstOf(PACKET), undefined);
  one.edge.run();
  await receive();
  one.edge.takeHanded(burstOf(PACKET), undefined);
  await wait(30);
  one.edge.drain();
  one.edge.run();
  await receive();
  // The answer to what it began came to the other worker, which asks about it.
  one.edge.takeHanded(burstOf(), { worker: 9, thread: 0, question: 5 });
  one.edge.run();
  await receive();
  const late = burstOf(PACKET);
  for (const { session } of sessions.live()) session.hasMoved = true;
  const received = one.edge.core.totals.receivedMessages;
  one.edge.takeHanded(late, UNASKED);
  assert.deepEqual([sessions.size, sessions.isServed(7)], [0, false]);
  assert.equal(one.edge.core.totals.receivedMessages - received, 1);
});

test('a device whose worker is dead is begun with after 80 bytes, and after 148 where nobody has had it', async (t) => {
  const { one, two, burstOf, receive } = scene(t);
  one.edge.takeHanded(burstOf(PACKET), undefined);
  one.edge.run();
  await receive();
  const begun = (): number => {
    two.edge.takeHanded(short(burstOf(PACKET)), undefined);
    two.edge.run();
    return two.edge.core.totals.initiationsSent;
  };
  two.view.isDead = true;
  assert.equal(begun(), 0, 'it is nowhere');
  two.tenants.attachRemote(REMOTE);
  two.view.isDead = false;
  two.edge.takeHanded(short(forged()), undefined);
  assert.equal(begun(), 0, 'from another source before, and its worker lives');
  two.edge.takeHanded(short(forged()), undefined);
  two.view.isDead = true;
  assert.equal(begun(), 1);
});

test('what another worker handed over is so at whichever thread has the device: it begins nothing, goes no further, and is answered from there', async (t) => {
  const { two, passed, answers, one } = scene(t, { threads: 2 });
  // Its number is odd: the second thread's.
  two.tenants.attachRemote(REMOTE);
  two.view.asks = true;
  const taken = async (handed: Handed | undefined): Promise<void> => {
    const { unknownIndex } = Drop;
    const before = (two.edge.core.dropped[unknownIndex] as number) + passed.length;
    one.edge.takeHanded(forged(), handed);
    one.others.flush();
    for (const end = performance.now() + 5000; ; await new Promise(setImmediate)) {
      if ((two.edge.core.dropped[unknownIndex] as number) + passed.length > before) break;
      assert.ok(performance.now() < end, 'it did not get there');
    }
  };
  await taken(UNASKED);
  await taken({ worker: 0xffff, thread: 63, question: 0xffff_fffe });
  assert.deepEqual([passed, two.counters.sendDrops.second_hop], [[], 2]);
  assert.deepEqual(answers, [[{ worker: 0xffff, thread: 63, question: 0xffff_fffe }, 'absent']]);
  await taken(undefined);
  assert.equal(passed.length, 1, 'what came to this worker goes there');
  two.tenants.detachRemote(REMOTE);
  await taken(UNASKED);
  two.edge.run();
  assert.equal(two.edge.core.totals.initiationsSent, 0);
  await taken(undefined);
  two.edge.run();
  assert.equal(two.edge.core.totals.initiationsSent, 1);
});

test('what comes faster than it is done waits, in its order, and packets get their turn between', async (t) => {
  const { one } = scene(t);
  const { peers, core } = one.edge;
  const many = (from: number) =>
    Array.from({ length: 64 }, (_, i) => ({
      ...{ tenant: 'red', device: `d${from + i}`, number: from + i, egress: true, sources: [`10.64.1.${i}/32`] },
      publicKey: rawPublicKey(
        privateKeyOf(
          new Uint8Array(32)
            .fill(1)
            .fill(i + 1, 0, 8)
            .fill(from / 64, 8, 16),
        ),
      ),
    }));
  for (const from of [64, 128, 192]) one.edge.changePeers(peersOf(...many(from)));
  one.edge.changePeers({ ...peersOf(), removed: [7, 64] });
  const seen: [known: number, added: number][] = [[peers.size, core.peerCount]];
  for (let turn = 0; turn < 10 && core.peerCount < 191; turn++) {
    await new Promise(setImmediate);
    seen.push([peers.size, core.peerCount]);
  }
  assert.deepEqual(seen, [
    [1, 1],
    [65, 1],
    [129, 1],
    [193, 1],
    [191, 32],
    [191, 64],
    [191, 96],
    [191, 128],
    [191, 160],
    [191, 191],
  ]);
});

test('of what another worker handed over all is taken, also after one that it asked about', async (t) => {
  const { one, answers, burstOf, receive } = scene(t);
  one.edge.takeHanded(burstOf(PACKET), undefined);
  one.edge.run();
  await receive();
  one.edge.takeHanded(burstOf(PACKET), undefined);
  const data = Array.from({ length: 9 }, () => burstOf(PACKET));
  // As `Handoff` has them: two bursts of one buffer, with room for one and for many.
  const buffer = new Uint8Array(1 << 16);
  const [question, opened] = [new Burst(0, 1, buffer), new Burst(0, 256, buffer)];
  let used = 0;
  for (const [i, { words, ...from }] of data.entries()) {
    const [offset, length] = [words[D_OFFSET] as number, words[D_LENGTH] as number];
    buffer.set(from.buffer.subarray(offset, offset + length), used);
    const into = i === 0 ? question : opened;
    into.used = used;
    into.commit(length, i & 1, words, 4, words, 10);
    used += length;
  }
  assert.equal(opened.count, 8);
  const before = one.edge.core.totals.receivedMessages;
  one.edge.takeHanded(question, { worker: 9, thread: 2, question: 5 });
  assert.equal(answers.length, 1);
  one.edge.takeHanded(opened, UNASKED);
  assert.equal(one.edge.core.totals.receivedMessages - before, 9);
});

test('who has the session, and says nothing, is gone once it is silent, and not while it is heard', async (t) => {
  const [heard, silent] = [scene(t), scene(t)];
  heard.two.view.silentFrom = Number.POSITIVE_INFINITY;
  for (const { one, two, burstOf, receive } of [heard, silent]) {
    one.edge.takeHanded(burstOf(PACKET), undefined);
    one.edge.run();
    await receive();
    two.tenants.attachRemote(REMOTE);
    two.view.asks = true;
    two.edge.takeHanded(burstOf(PACKET), undefined);
  }
  const begun = ({ two }: typeof heard): number => {
    two.edge.run();
    return two.edge.core.totals.initiationsSent;
  };
  // Who was asked first would be given up first.
  for (const end = performance.now() + 5000; begun(silent) === 0; await new Promise(setImmediate)) {
    assert.equal(begun(heard), 0);
    assert.ok(performance.now() < end, 'it is not begun with');
  }
  for (const { passed } of [heard, silent]) assert.ok(passed.length > 0);
});
