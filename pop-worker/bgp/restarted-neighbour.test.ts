import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { MessageType } from '#protocol/bgp/wire/header.ts';
import { closePeers, KEEPALIVE, message, RawPeer, until } from './testing/raw-peer.ts';
import { RunningSpeaker } from './testing/running.ts';

afterEach(closePeers);

const PEER = { name: 'peer', address: '127.0.0.2', as: 64_500 };
const SETTINGS = { as: PEER.as, restarts: true };
const CEASE = message(MessageType.notification, '0602');

/** Each is replaced by a connection of the neighbour. */
for (const [whose, isOurs] of [
  ['we made', true],
  ['the neighbour made', false],
] as const) {
  test(`a connection that ${whose} is closed once a restarted neighbour has another, and heard no more (RFC 4724 §4.2)`, async (t) => {
    const waiting = isOurs ? await RawPeer.waiting(t, PEER.address) : undefined;
    const speaker = await RunningSpeaker.start(t, [
      { ...PEER, graceful_restart: true, ...(waiting && { port: waiting.port, passive: false }) },
    ]);
    const old = (await waiting?.peer) ?? (await RawPeer.at(speaker.port, PEER.address));
    await old.comeUp(SETTINGS);
    await until('the first session', async () => (await speaker.status('peer')).sessions === 1);
    const next = await RawPeer.established(speaker.port, PEER.address, SETTINGS);
    await until('the old connection is closed', () => old.isClosed);
    assert.equal(old.notification, undefined);
    if (!old.socket.destroyed) old.say(CEASE);
    for (const count of [3, 4, 5]) {
      next.say(KEEPALIVE);
      await until('it is heard', async () => ((await speaker.status('peer')).received['keepalive'] ?? 0) >= count);
    }
    const { state, sessions } = await speaker.status('peer');
    assert.deepEqual([state, sessions, next.isClosed, next.notification], ['established', 2, false, undefined]);
  });
}
