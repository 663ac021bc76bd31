import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import type { Burst } from '#protocol/burst.ts';
import { D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import type { Answer } from '#protocol/handoff/counters.ts';
import { CipherSuite } from '#protocol/quic/ports.ts';
import { patchLength, writeLongHeader } from '#protocol/quic/wire/packet/long.ts';
import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import { numberedWorker } from '#protocol/quic-lb/server-id.ts';
import { ROUTABLE_CID_BYTES, RoutableCids } from '../exchange/cids.ts';
import type { Handed } from './handed.ts';
import { Handoff } from './handoff.ts';
import { allocateHeard, Heard } from './heard.ts';
import type { HandoffPeer } from './setup.ts';
import { Strays } from './strays.ts';

const KEY = new Uint8Array(32).fill(1);
const RESET = { 1: new Uint8Array(32).fill(11), 2: new Uint8Array(32).fill(12) };
const HEADROOM = 64;
const QUIC_1 = 1;

const socketOf = (t: TestContext): { socket: UdpSocket; port: number } => {
  const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
  t.after(() => socket.close());
  return { socket, port: (socket.localAddress()[0] as number) >>> 16 };
};

/** Two workers, of one thread each, that know each other. */
const workers = (t: TestContext, peer: Partial<HandoffPeer> = {}) => {
  const sockets = { 1: socketOf(t), 2: socketOf(t) };
  const heard = allocateHeard();
  const made = ([1, 2] as const).map((worker) => {
    const other = worker === 1 ? 2 : 1;
    const got: { bytes: string; remote: Int32Array; local: Int32Array; taken: boolean }[] = [];
    const handed: (Handed | undefined)[] = [];
    const answers: (readonly [worker: number, question: number, answer: Answer])[] = [];
    const cids = new RoutableCids(
      { keys: [{ id: 0, key: KEY.subarray(0, 16) }], worker: numberedWorker(worker), epoch: 1 },
      0,
      systemRandom,
    );
    const work = {
      datagrams: ({ buffer, words, count }: Burst, by: Handed | undefined) => {
        if (count > 0) handed.push(by);
        one.onHanded();
        for (let base = 0; base < count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
          const start = words[base + D_OFFSET] as number;
          const end = start + (words[base + D_LENGTH] as number);
          const cidAt = start + ((buffer[start] as number) & 0x80 ? 6 : 1);
          // The connection is over here: what is done with a stray that was handed over already?
          const taken = strays.take(buffer, start, end, cidAt, ROUTABLE_CID_BYTES, words, base);
          const bytes = Buffer.from(buffer.subarray(start, end)).toString('hex');
          got.push({
            ...{ bytes, taken },
            remote: words.slice(base + D_REMOTE, base + D_REMOTE + 6),
            local: words.slice(base + D_LOCAL, base + D_LOCAL + 6),
          });
        }
      },
      answered: (...answer: (typeof answers)[0]) => void answers.push(answer),
      turnOver: () => {},
      fault: (error: unknown) => {
        throw error;
      },
    };
    const handoff = new Handoff(
      {
        ...{ worker, address: '127.0.0.1', port: sockets[worker].port, epoch: 5 },
        ...{ peerBytesPerSecond: 1e9, sourceBytesPerSecond: 1e9, heard },
        peers: [
          {
            ...{ worker: other, address: '127.0.0.1', port: sockets[other].port, threads: 1, mtu: 1500 },
            ...{ staticKey: KEY, resetKey: RESET[other], answers: true },
            ...peer,
          },
        ],
      },
      ...([0, sockets[worker].socket, HEADROOM, work] as const),
    );
    const strays = new Strays(cids, 0, undefined, handoff, RESET[worker]);
    const one = { cids, handoff, strays, got, handed, answers, onHanded: () => {} };
    return one;
  });
  return [...made, new Heard(heard)] as [(typeof made)[0], (typeof made)[0], Heard];
};
type Worker = ReturnType<typeof workers>[0];

const cidOf = ({ cids }: Worker): Uint8Array => {
  const cid = new Uint8Array(ROUTABLE_CID_BYTES);
  cids.fill(cid);
  return cid;
};
const short = (cid: Uint8Array, bytes = 100): Uint8Array => {
  const packet = new Uint8Array(bytes).fill(0x55);
  packet[0] = 0x40;
  packet.set(cid, 1);
  return packet;
};
const long = (
  type: 'initial' | 'handshake' | 'zeroRtt',
  cid: Uint8Array,
  keyCid: Uint8Array,
  token = 0,
): Uint8Array => {
  const packet = new Uint8Array(1200);
  const scid = new Uint8Array(8);
  const at = writeLongHeader(packet, 0, PacketType[type], QUIC_1, cid, scid, new Uint8Array(token), 0, 1);
  patchLength(packet, at, 1, packet.length);
  const { client } = opensslCrypto.initialSecrets(QUIC_1, keyCid);
  const sealer = opensslCrypto.sealer(QUIC_1, CipherSuite.aes128Gcm, client);
  sealer.seal(packet, Int32Array.of(0, at, packet.length - at - 16, 0), Float64Array.of(0), 1);
  sealer.close();
  return packet;
};

const take = ({ strays, handoff }: Worker, packet: Uint8Array): boolean => {
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words.set(addressOf('198.51.100.7', 4433), D_REMOTE);
  words.set(addressOf('192.0.2.1', 443), D_LOCAL);
  const cidAt = (packet[0] as number) & 0x80 ? 6 : 1;
  const taken = strays.take(packet, 0, packet.length, cidAt, ROUTABLE_CID_BYTES, words, 0);
  handoff.flush();
  return taken;
};
const until = async (condition: () => boolean): Promise<void> => {
  for (const end = performance.now() + 5000; !condition(); ) {
    assert.ok(performance.now() < end, 'it did not happen within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};

test('a datagram of another worker’s connection goes there as it came', async (t) => {
  const [a, b] = workers(t);
  const packets = [short(cidOf(b)), short(cidOf(b), 1452)];
  for (const packet of packets) assert.equal(take(a, packet), true);
  await until(() => b.got.length === 2);
  for (const [i, { bytes, remote, local }] of b.got.entries()) {
    assert.equal(bytes, Buffer.from(packets[i] as Uint8Array).toString('hex'));
    assert.deepEqual([remote, local], [addressOf('198.51.100.7', 4433), addressOf('192.0.2.1', 443)]);
  }
  assert.equal(take(a, short(cidOf(a))), false, 'its own');
  assert.equal(take(a, short(new Uint8Array(ROUTABLE_CID_BYTES))), false, 'nobody’s');
});

test('packets of a handshake that another worker has go there; what a client chose is handled here', async (t) => {
  const [a, b] = workers(t);
  const cid = cidOf(b);
  const other = new Uint8Array(8).fill(3);
  for (const [name, packet, goes] of [
    ['Handshake', long('handshake', cid, other), true],
    ['0-RTT', long('zeroRtt', cid, other), true],
    ['Initial in answer to a worker’s', long('initial', cid, other), true],
    ['Initial after Retry', long('initial', cid, cid, 20), true],
    ['Initial with an ID that the client chose', long('initial', cid, cid), false],
    ['another version', long('initial', cid, cid).with(1, 0x1a), false],
  ] as const) {
    const before = a.handoff.counters.sent.datagrams;
    assert.equal(take(a, packet), goes, name);
    assert.equal(a.handoff.counters.sent.datagrams - before, goes ? 1 : 0, name);
  }
  await until(() => b.got.length === 4);
});

test('what was handed over is never handed on (hop count 1)', async (t) => {
  const [a, b] = workers(t);
  // A worker whose table is wrong: it hands over what is its own.
  const packet = short(cidOf(a));
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words.set(addressOf('198.51.100.7', 4433), D_REMOTE);
  words.set(addressOf('192.0.2.1', 443), D_LOCAL);
  assert.equal(a.handoff.stray(2, 0, packet, 0, packet.length, ROUTABLE_CID_BYTES, words, 0), true);
  a.handoff.flush();
  await until(() => b.got.length === 1);
  assert.equal(b.got[0]?.taken, true);
  assert.equal(b.handoff.counters.sendDrops.second_hop, 1);
  assert.equal(b.handoff.counters.sent.datagrams, 0);
  assert.equal(take(b, packet), true);
  assert.equal(b.handoff.counters.sent.datagrams, 1, 'one that came from the client is');
});

test('a datagram of another protocol goes to whom it is said to belong, unless that one is dead, or it was handed over', async (t) => {
  const [a, b] = workers(t);
  const message = new Uint8Array(128).fill(4);
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words.set(addressOf('198.51.100.7', 4433), D_REMOTE);
  words.set(addressOf('192.0.2.1', 51_820), D_LOCAL);
  const pass = (worker: number): boolean => {
    const passed = a.handoff.pass(worker, 0, message, 0, message.length, words, 0, 0);
    a.handoff.flush();
    return passed;
  };
  assert.equal(pass(2), true);
  await until(() => b.got.length === 1);
  assert.equal(b.got[0]?.bytes, Buffer.from(message).toString('hex'));
  assert.deepEqual(b.got[0]?.local, addressOf('192.0.2.1', 51_820));
  assert.equal(pass(3), false, 'nobody knows that one');
  a.handoff.setLiveness(2, 'dead');
  assert.equal(pass(2), false);
  assert.deepEqual([a.handoff.counters.sendDrops.no_peer, a.handoff.counters.sendDrops.dead], [1, 1]);
  a.handoff.setLiveness(2, 'alive');
  b.onHanded = () => assert.equal(b.handoff.pass(1, 0, message, 0, message.length, words, 0, 0), false);
  assert.equal(pass(2), true);
  await until(() => b.handoff.counters.sendDrops.second_hop === 1);
});

test('a worker that is suspected is handed its packets; a dead one’s are dropped, and reset by who is in a majority', async (t) => {
  const [a, b] = workers(t);
  a.handoff.setLiveness(2, 'suspected');
  const packet = short(cidOf(b));
  const cid = packet.subarray(1, 1 + ROUTABLE_CID_BYTES);
  assert.equal(take(a, packet), true);
  await until(() => b.got.length === 1);
  assert.equal(a.strays.resetKeyOf(cid), undefined);
  a.handoff.setLiveness(2, 'dead');
  assert.equal(take(a, packet), true);
  assert.equal(a.handoff.counters.sendDrops.dead, 1);
  assert.equal(a.strays.resetKeyOf(cid), undefined, 'who is in no majority resets nothing');
  a.handoff.isInMajority = true;
  assert.equal(take(a, packet), false, 'it is answered here');
  assert.deepEqual(a.strays.resetKeyOf(cid), RESET[2]);
  assert.equal(take(a, long('handshake', cid, cid)), true, 'no long header is answered by a reset');
  assert.equal(a.handoff.counters.sendDrops.dead, 2);
  assert.deepEqual(a.strays.resetKeyOf(cidOf(a)), RESET[1], 'its own connections, as ever');
  a.handoff.setLiveness(2, 'alive');
  assert.equal(take(a, packet), true);
  await until(() => b.got.length === 2);
});

test('who sent a packet just before its worker was known to be dead is answered then, once and not before', (t) => {
  const [a, b] = workers(t);
  const packets = [short(cidOf(b)), short(cidOf(b), 30), long('handshake', cidOf(b), cidOf(b))];
  for (const packet of packets) take(a, packet);
  a.handoff.isInMajority = true;
  a.handoff.setLiveness(2, 'suspected');
  assert.equal(a.got.length, 0);
  a.handoff.setLiveness(2, 'dead');
  a.handoff.setLiveness(2, 'dead');
  const cids = packets
    .slice(0, 2)
    .map((packet) => Buffer.from(packet.subarray(1, 1 + ROUTABLE_CID_BYTES)).toString('hex'));
  assert.deepEqual(a.got.map(({ bytes }) => bytes.slice(2, 2 + 2 * ROUTABLE_CID_BYTES)).sort(), cids.sort());
  assert.deepEqual(a.got.map(({ bytes }) => bytes.length / 2).sort(), [30, 64]);
  for (const { taken, remote, local } of a.got) {
    assert.equal(taken, false, 'it is answered here');
    assert.deepEqual([remote, local], [addressOf('198.51.100.7', 4433), addressOf('192.0.2.1', 443)]);
  }
});

test('who is in no majority answers nobody, whatever it has seen', (t) => {
  const [a, b] = workers(t);
  take(a, short(cidOf(b)));
  a.handoff.setLiveness(2, 'dead');
  assert.equal(a.got.length, 0);
});

test('keys of a connection take the place of configured ones; peers that are gone get nothing', async (t) => {
  const [a, b] = workers(t, { staticKey: undefined });
  assert.equal(take(a, short(cidOf(b))), true);
  assert.equal(a.handoff.counters.sendDrops.no_key, 1);
  b.handoff.setKey(1, 77, KEY);
  a.handoff.setKey(2, 77, KEY);
  take(a, short(cidOf(b)));
  await until(() => b.got.length === 1);
  a.handoff.removePeer(2);
  take(a, short(cidOf(b)));
  assert.equal(a.handoff.counters.sendDrops.no_peer, 1);
});

test('who hands a datagram over may ask about it, and is answered; whoever is dead, or does not know what that is, is not asked', async (t) => {
  const [a, b] = workers(t);
  const message = new Uint8Array(128).fill(4);
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words.set(addressOf('198.51.100.7', 4433), D_REMOTE);
  words.set(addressOf('192.0.2.1', 51_820), D_LOCAL);
  const pass = (question: number): void => {
    assert.equal(a.handoff.pass(2, 0, message, 0, message.length, words, 0, question), true);
    a.handoff.flush();
  };
  assert.equal(a.handoff.asks(2, 0), true);
  pass(0);
  pass(0x8000_0001);
  await until(() => b.got.length === 2);
  const asked = { worker: 1, thread: 0, question: 0x8000_0001 };
  assert.deepEqual(
    b.handed.toSorted((one, other) => (one?.question ?? 0) - (other?.question ?? 0)),
    [{ worker: 0, thread: 0, question: 0 }, asked],
  );
  assert.equal(b.got[1]?.bytes, Buffer.from(message).toString('hex'));
  b.handoff.answer(asked, 'forged');
  b.handoff.flush();
  await until(() => a.answers.length === 1);
  assert.deepEqual(a.answers, [[2, 0x8000_0001, 'forged']]);
  a.handoff.setLiveness(2, 'suspected');
  assert.deepEqual([a.handoff.asks(2, 0), a.handoff.asks(3, 0)], [true, false]);
  assert.deepEqual([a.handoff.isDead(2), a.handoff.isDead(3)], [false, false]);
  a.handoff.setLiveness(2, 'dead');
  assert.deepEqual([a.handoff.asks(2, 0), a.handoff.isDead(2)], [false, true]);
  const [before] = workers(t, { answers: false });
  const [keyless] = workers(t, { staticKey: undefined });
  assert.deepEqual([before.handoff.asks(2, 0), keyless.handoff.asks(2, 0)], [false, false]);
});

test('a worker is silent from 50 ms after it was last heard by what it hands over, and once three probes of the mesh did not come', async (t) => {
  const [a, b, heard] = workers(t);
  assert.equal(a.handoff.silentFrom(2), 0, 'it was never heard');
  const before = nowUs();
  assert.equal(take(b, short(cidOf(a))), true);
  await until(() => a.handoff.silentFrom(2) > 0);
  const from = a.handoff.silentFrom(2);
  assert.ok(from >= before + 50_000 && from <= nowUs() + 50_000);
  heard.note(2, 40_000, from);
  heard.looked(from + 1e9);
  assert.equal(a.handoff.silentFrom(2), from + 130_000, 'three probes may be lost');
  heard.note(2, 340_000, from);
  assert.equal(a.handoff.silentFrom(2), from + 1_105_000, 'in a large mesh it has something to say less often');
  heard.note(65_535, 40_000, from);
  assert.equal(a.handoff.silentFrom(65_535), from + 130_000);
  heard.note(65_535, 40_000, from - 1e6);
  heard.looked(from - 1e6);
  assert.ok(a.handoff.silentFrom(65_535) > nowUs(), 'who has not looked since hears nobody');
});
