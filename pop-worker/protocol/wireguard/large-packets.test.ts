import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum } from '#protocol/ip/checksum.ts';
import { GsoType, NEEDS_CHECKSUM } from '#protocol/ip/offload.ts';
import { packet, pair } from './testing/scene.ts';

test('a large packet of a TUN goes as its segments, which the other side gets one by one', () => {
  const { scene, a, b, toB } = pair();
  scene.send(a, b);
  const [before, sent] = [toB.keypairs.current!.sendLow, toB.counters.sentBytes];
  const content = 10_000;
  const large = packet(1, 2, 20 + 20 + content);
  large.set([6], 9);
  large.set([0x50, 0x18], 32);
  large.set([0, 0], 10);
  const sum = checksum(large, 0, 20);
  large.set([sum >> 8, sum & 0xff], 10);
  const words = Int32Array.of(0, large.length, NEEDS_CHECKSUM, GsoType.tcp4, 40, 1380, 20, 16);
  b.received.length = 0;
  a.core.handle({ kind: 'packets', packets: { buffer: large, words, count: 1 } }, scene.now);
  scene.settle();
  assert.deepEqual(
    b.received.map(({ length }) => length),
    [...Array.from({ length: 7 }, () => 1420), 40 + content - 7 * 1380],
  );
  assert.equal(toB.keypairs.current!.sendLow - before, 8);
  assert.equal(toB.counters.sentBytes - sent, 7 * (1420 + 32) + 384 + 32);
});

test('a large packet waits for a session as a whole', () => {
  const { scene, a, b } = pair();
  const large = packet(1, 2, 20 + 8 + 3000);
  large.set([0, 0], 10);
  const sum = checksum(large, 0, 20);
  large.set([sum >> 8, sum & 0xff], 10);
  const words = Int32Array.of(0, large.length, NEEDS_CHECKSUM, GsoType.udp, 28, 1000, 20, 6);
  a.core.handle({ kind: 'packets', packets: { buffer: large, words, count: 1 } }, scene.now);
  scene.filter = () => false;
  scene.settle();
  large.fill(0);
  scene.filter = () => true;
  scene.run(6e6);
  assert.deepEqual(
    b.received.map(({ length }) => length),
    [1028, 1028, 1028],
  );
});
