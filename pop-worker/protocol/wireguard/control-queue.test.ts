import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Drop } from './drop.ts';
import { MOST_CONTROL_MESSAGES } from './limits.ts';
import { address, type Datagram, type Host, Scene } from './testing/scene.ts';

const MORE = 100;

/** A host whose socket takes nothing for now, and who sends it one initiation again and again, from other ports. */
const blocked = (handshakesASecond: number) => {
  const scene = new Scene();
  const [host, other] = [scene.add(1, { handshakesASecond }), scene.add(2)];
  const [toHost, toOther] = scene.join(other, host);
  other.core.renewPeer(toHost, 0);
  const [initiation] = other.poll(0) as [Datagram];
  const flood = (count: number): void =>
    host.takes(
      Array.from({ length: count }, (_, i) => ({ ...initiation, from: address(3, 1 + i) })),
      0,
    );
  return { scene, host, other, toHost, toOther, flood };
};

const lost = (host: Host): number => host.core.dropped[Drop.controlQueue] as number;

test('handshake messages that wait to be sent are 4,096; more are counted, and there is room again once those are gone', () => {
  assert.equal(MOST_CONTROL_MESSAGES, 4096);
  const { host, flood } = blocked(0);
  flood(MOST_CONTROL_MESSAGES);
  assert.equal(lost(host), 0);
  flood(MORE);
  assert.deepEqual([lost(host), host.core.dropped[Drop.cookieSent]], [MORE, MOST_CONTROL_MESSAGES]);
  const sent = host.poll(0);
  assert.equal(sent.length, MOST_CONTROL_MESSAGES);
  assert.deepEqual(sent.at(-1)?.to, address(3, MOST_CONTROL_MESSAGES), 'those that came first');
  flood(1);
  assert.deepEqual([host.poll(0).length, lost(host)], [1, MORE]);
});

test('a response and an initiation that found no room are not counted as sent, and who is a peer gets in later', () => {
  const { scene, host, other, toHost, toOther, flood } = blocked(10);
  flood(1 + MOST_CONTROL_MESSAGES);
  assert.deepEqual([host.core.totals.responsesSent, lost(host)], [1, 1], 'one is answered, then there is a load');
  const { sentBytes } = toOther.counters;
  scene.now = 3e6;
  other.core.renewPeer(toHost, scene.now);
  host.takes(other.poll(scene.now), scene.now);
  assert.deepEqual([host.core.totals.responsesSent, lost(host)], [1, 2]);
  host.core.setEndpoint(toOther, other.address);
  host.core.renewPeer(toOther, scene.now);
  assert.deepEqual([host.core.totals.initiationsSent, lost(host)], [0, 3]);
  assert.equal(toOther.counters.sentBytes, sentBytes);
  scene.settle();
  scene.run(20e6);
  scene.send(other, host);
  assert.equal(host.received.length, 1);
});
