import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePorts } from '#host/wireguard/ports.ts';
import { MOST_WAITING } from './backlog.ts';
import { SOURCE_BURST, SOURCE_HANDSHAKES_A_SECOND } from './cookies/source-limit.ts';
import { Drop } from './drop.ts';
import type { TimeBudget } from './options.ts';
import { type Datagram, Host, packet, Scene } from './testing/scene.ts';
import { COOKIE_REPLY, COOKIE_REPLY_BYTES } from './wire/cookie-reply.ts';
import { INITIATION } from './wire/initiation.ts';

/** What reading an initiation takes, and what handshakes have of each second, in microseconds. */
const READING_US = 50;
const SHARE = 0.03;
const MOST_US = 1000;
const STEP_US = 1000;

/** A worker whose handshakes take virtual time. */
const busyWorker = () => {
  const scene = new Scene();
  const ports = nodePorts();
  const { handshake } = ports;
  const read: number[] = [];
  let [left, at, taken, startedAt] = [MOST_US, 0, 0, 0];
  const handshakeTime: TimeBudget = {
    refill: () => {
      left = Math.min(MOST_US, left + SHARE * (scene.now - at));
      at = scene.now;
    },
    start: () => {
      startedAt = taken;
    },
    spend: () => {
      left -= taken - startedAt;
    },
    get isLeft() {
      return left > 0;
    },
    isPlenty: true,
    get untilLeftUs() {
      return Math.max(0, 1 - left) / SHARE;
    },
  };
  const worker = scene.add(250, {
    ...{ handshakesASecond: 100, handshakeTime },
    ports: {
      ...ports,
      handshake: {
        ...handshake,
        readInitiation: (...message) => {
          taken += READING_US;
          const received = handshake.readInitiation(...message);
          if (received !== undefined) read.push((received.publicKey[0] as number) | 0);
          return received;
        },
      },
    },
  });
  return { scene, worker, ports, read };
};

/** Initiations of a key that nobody knows, by so many sources, each of which has asked for its cookie. */
const honest = ({ scene, worker, ports }: ReturnType<typeof busyWorker>, sources: number): Datagram[] => {
  const stranger = new Host(3, () => 0);
  stranger.core.addPeer({ number: 250, publicKey: worker.core.publicKey, endpoint: worker.address });
  stranger.core.renewPeer([...stranger.core.peers][0]!, 0);
  const [{ bytes } = { bytes: new Uint8Array() }] = stranger.poll(0);
  const { mac } = ports;
  const key = mac.labelled('cookie--', worker.core.publicKey);
  return Array.from({ length: sources }, (_, i) => {
    const from = Int32Array.of((9 << 16) | 4, 0, (i << 16) | 77, 0, 0, 0);
    const one = { bytes: bytes.slice(), from, to: worker.address };
    for (;;) {
      worker.takes([one], scene.now);
      const reply = worker.poll(scene.now).find(({ bytes: [type] }) => type === 3)?.bytes;
      if (reply === undefined) continue;
      const nonce = reply.subarray(COOKIE_REPLY.nonce, COOKIE_REPLY.cookie);
      const mac1 = one.bytes.subarray(INITIATION.mac1, INITIATION.mac2);
      const cookie = mac.openCookie(key, nonce, reply.subarray(COOKIE_REPLY.cookie, COOKIE_REPLY_BYTES), mac1);
      mac.mac(cookie!, one.bytes, 0, INITIATION.mac2, one.bytes, INITIATION.mac2);
      return one;
    }
  });
};

test('two hundred sources that show cookies have what handshakes have, a client loses nothing, and a newcomer gets in', () => {
  const busy = busyWorker();
  const { scene, worker, read } = busy;
  const [client, newcomer] = [scene.add(1), scene.add(2)];
  scene.join(client, worker);
  scene.join(newcomer, worker);
  scene.send(client, worker);
  const flood = honest(busy, 200);
  read.length = 0;
  let [sent, said, arrivedAt] = [0, 1, 0];
  const begin = scene.now;
  const step = (): void => {
    scene.now += STEP_US;
    const due = (2000 * (scene.now - begin)) / 1e6;
    const batch: Datagram[] = [];
    for (; sent < due; sent++) batch.push(flood[sent % flood.length] as Datagram);
    worker.takes(batch, scene.now);
    if ((scene.now / STEP_US) % 20 === 0) {
      client.sends([packet(1, 250)], scene.now);
      said++;
    }
    for (const { core } of scene.hosts) if (core.deadline() <= scene.now) core.handle({ kind: 'time' }, scene.now);
    scene.settle();
  };
  while (scene.now - begin < 2.5e6) step();
  newcomer.sends([packet(2, 250)], scene.now);
  while (scene.now - begin < 10e6) {
    step();
    if (arrivedAt === 0 && worker.confirmed.length > 1) arrivedAt = scene.now;
  }
  const seconds = (scene.now - begin) / 1e6;
  assert.ok(arrivedAt > 0, 'the newcomer is there');
  assert.equal(worker.received.length, said + 1, 'all that the client said, and what the newcomer had to say');
  assert.ok(read.length <= (SHARE * seconds * 1e6 + MOST_US) / READING_US + 8, `${read.length} were read`);
  assert.ok(read.length <= 200 * (SOURCE_BURST + SOURCE_HANDSHAKES_A_SECOND * seconds));
  const { dropped } = worker.core;
  assert.ok((dropped[Drop.backlog] as number) > 0.6 * sent);
  assert.ok(sent > MOST_WAITING);
});
