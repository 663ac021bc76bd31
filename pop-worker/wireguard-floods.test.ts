import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import type { PeerKeys } from '#protocol/wireguard/ports.ts';
import { receiverIndex } from '#protocol/wireguard/receiver-index.ts';
import { TAI64N_BYTES, writeTai64n } from '#protocol/wireguard/tai64n.ts';
import { INITIATION, INITIATION_BYTES } from '#protocol/wireguard/wire/initiation.ts';
import { writeWord } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE, RESPONSE_BYTES } from '#protocol/wireguard/wire/response.ts';
import { TRANSPORT } from '#protocol/wireguard/wire/transport.ts';
import { answered } from './testing/mesh-worlds.ts';
import type { SpoofedTold } from './testing/spoofed-order.ts';
import { WireGuardDevice, WORKER_KEY, wireguard, withWireGuard } from './testing/wireguard-device.ts';
import { deviceOf, INTERNET4, needsNamespaces, World } from './testing/world.ts';

const PORT = 51_820;
const COUNT = 2000;
const RED2 = wireguard(deviceOf('red', 2), 2);
const { handshake, mac } = enginePorts();
const WORKER = handshake.identity(WORKER_KEY).publicKey;

const random = (bytes: number): Uint8Array => Uint8Array.from(randomBytes(bytes));

const message = (type: number, length: number): Uint8Array => {
  const bytes = random(length);
  bytes.set([type, 0, 0, 0].slice(0, length));
  return bytes;
};

const data = (peer: number, generation: number, length = INITIATION_BYTES): Uint8Array => {
  const bytes = message(4, length);
  writeWord(bytes, TRANSPORT.receiver, receiverIndex(peer, generation));
  return bytes;
};

/** With a mac1 that is right, and no mac2. */
const signed = (bytes: Uint8Array, mac1At: number): Uint8Array => {
  mac.mac(mac.labelled('mac1----', WORKER), bytes, 0, mac1At, bytes, mac1At);
  return bytes.fill(0, mac1At + 16);
};

/** As this device may have sent it long ago. */
const old = (number: number): Uint8Array => {
  const bytes = message(1, INITIATION_BYTES);
  const timestamp = new Uint8Array(TAI64N_BYTES);
  writeTai64n((Date.now() - 3_600_000) * 1000, timestamp, 0);
  const keys = handshake.peer(handshake.identity(new Uint8Array(32).fill(number)), WORKER) as PeerKeys;
  handshake.initiate(keys, timestamp, bytes, 0).forget();
  return signed(bytes, INITIATION.mac1);
};

type Drops = Readonly<Record<string, number>>;

interface Flood {
  readonly name: string;
  readonly messages: readonly Uint8Array[];
  /** Of what is sent, by reason; each message is one, unless it is answered. */
  readonly drops: readonly string[];
  /** Sent while the client is asked for; fewer where they are large. */
  readonly count?: number;
  /** Types that may come in answer. */
  readonly answers?: readonly number[];
}

const many = (make: (i: number) => Uint8Array): Uint8Array[] => Array.from({ length: 200 }, (_, i) => make(i));

const FLOODS: readonly Flood[] = [
  { name: 'data for no peer', messages: many((i) => data(0x80_0000 + i, i)), drops: ['unknown_index'] },
  {
    name: 'data that names a peer which is there',
    messages: many((i) => data(2, i)),
    drops: ['unknown_index', 'authentication'],
    answers: [1],
  },
  {
    name: 'truncated messages',
    messages: [1, 2, 3, 4].flatMap((type) => many((i) => message(type, 1 + (i % 31)))),
    drops: ['malformed'],
  },
  {
    name: 'jumbo datagrams of each type',
    messages: [
      message(1, 60_000),
      message(2, 60_000),
      message(3, 60_000),
      data(0x80_0000, 1, 60_000),
      data(2, 1, 60_000),
    ],
    drops: ['malformed', 'unknown_index', 'authentication'],
    count: 100,
    answers: [1],
  },
  {
    name: 'initiations without a mac1',
    messages: many(() => message(1, INITIATION_BYTES)),
    drops: ['mac1', 'overload'],
  },
  {
    name: 'initiations with a mac1, of nobody',
    messages: many(() => signed(message(1, INITIATION_BYTES), INITIATION.mac1)),
    drops: ['handshake', 'cookie_sent', 'overload', 'backlog'],
    answers: [3],
  },
  {
    name: 'an initiation of a device, again and again',
    messages: [old(2)],
    drops: ['replayed_initiation', 'cookie_sent', 'overload', 'backlog'],
    answers: [3],
  },
  {
    name: 'responses to nothing',
    messages: many((i) => {
      const bytes = message(2, RESPONSE_BYTES);
      writeWord(bytes, RESPONSE.receiver, receiverIndex(2, i));
      return signed(bytes, RESPONSE.mac1);
    }),
    drops: ['unknown_index', 'cookie_sent', 'overload', 'backlog'],
    answers: [1, 3],
  },
];

const serving = async (t: TestContext): Promise<World> => {
  const world = new World(t);
  await world.network();
  await world.configure({ static: withWireGuard(world, [RED2]).join('') });
  await world.startWorker();
  return world;
};

const dropsOf = async (world: World): Promise<Drops> => {
  const { text } = await world.admin('/metrics');
  const lines = text.matchAll(/cloudbridge_wireguard_dropped_packets_total\{reason="(\w+)"\} (\d+)/g);
  return Object.fromEntries(Array.from(lines, ([, reason, count]) => [reason, Number(count)]));
};

const bytesOf = (messages: readonly Uint8Array[], count: number): number =>
  Array.from({ length: count }, (_, i) => (messages[i % messages.length] as Uint8Array).length).reduce((a, b) => a + b);

test('strangers of all kinds are counted by reason, get no more than they sent, and hinder a client in nothing', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await serving(t);
  const device = await WireGuardDevice.start(t, world, RED2);
  const stranger = world.clientNamespace();
  assert.equal(await answered(world, device, INTERNET4), 3);
  const agreed = () => world.metric('cloudbridge_wireguard_handshakes_total{what="agreed"}');
  const moves = () => world.metric('cloudbridge_wireguard_moves_total');
  const before = [await agreed(), await moves()];
  for (const { name, messages, drops, count = COUNT, answers = [] } of FLOODS) {
    const dropped = await dropsOf(world);
    const order = { port: PORT, messages: messages.map((each) => Buffer.from(each).toString('base64')) };
    const [told, pings] = await Promise.all([
      world.spoof(stranger, { ...order, count, sources: 1000 }) as Promise<SpoofedTold>,
      answered(world, device, INTERNET4),
    ]);
    const after = await dropsOf(world);
    const news = Object.keys(after).filter((reason) => after[reason] !== dropped[reason]);
    const sum = news.reduce((total, reason) => total + (after[reason] ?? 0) - (dropped[reason] ?? 0), 0);
    t.diagnostic(`${name}: ${news.map((reason) => `${reason} ${(after[reason] ?? 0) - (dropped[reason] ?? 0)}`)}`);
    assert.deepEqual([told.sent, pings, sum], [count, 3, count], name);
    assert.deepEqual(
      news.filter((reason) => !drops.includes(reason)),
      [],
      name,
    );
    const types = Object.keys(told.answers).map(Number);
    assert.deepEqual(
      types.filter((type) => !answers.includes(type)),
      [],
      name,
    );
    const answer = Object.values(told.answers).reduce((total, bytes) => total + bytes, 0);
    assert.ok(answer <= bytesOf(messages, count), `${name}: ${answer} bytes came back`);
  }
  assert.equal(await answered(world, device, INTERNET4), 3);
  assert.deepEqual([await agreed(), await moves()], before, 'it had no need of another session, and was nowhere else');
});
