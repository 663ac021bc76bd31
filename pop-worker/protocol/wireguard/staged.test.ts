import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Drop } from './drop.ts';
import { MOST_STAGED_BYTES, STAGED_PACKET_BYTES } from './limits.ts';
import { IN_LENGTH, IN_WORDS, type Packets } from './packets.ts';
import { Staged } from './staged.ts';
import { type Host, pair, Scene } from './testing/scene.ts';

/** A packet of so many bytes, the first of which tells it from others. */
const one = (length: number, first = 0): Packets => {
  const words = new Int32Array(IN_WORDS);
  words[IN_LENGTH] = length;
  return { buffer: new Uint8Array(length).fill(first, 0, 1), words, count: 1 };
};

/** Of packets that take 64 KiB with what is around them. */
const LENGTH = 65_536 - STAGED_PACKET_BYTES;
const MOST = MOST_STAGED_BYTES / 65_536;

test('what waits at all peers together is 4 MiB: beyond it the oldest of the peer itself make place', () => {
  assert.equal(MOST_STAGED_BYTES, 4 * 2 ** 20);
  const total = { bytes: 0 };
  const [first, second] = [new Staged(total), new Staged(total)];
  for (let i = 0; i < MOST - 2; i++) assert.equal(first.add(one(LENGTH), 0), 0);
  for (let i = 0; i < 2; i++) assert.equal(second.add(one(LENGTH, i), 0), 0);
  assert.equal(total.bytes, MOST_STAGED_BYTES, 'all of it may be used');
  assert.equal(second.add(one(1, 7), 0), 1);
  assert.deepEqual([second.size, second.first?.buffer[0], first.size], [2, 1, MOST - 2]);
  assert.equal(total.bytes, MOST_STAGED_BYTES - 65_536 + 1 + STAGED_PACKET_BYTES);
});

test('who has nothing to give up for it does not wait, and comes in when others have left', () => {
  const total = { bytes: 0 };
  const [first, second] = [new Staged(total), new Staged(total)];
  for (let i = 0; i < MOST; i++) first.add(one(LENGTH), 0);
  assert.equal(second.add(one(1), 0), 1);
  assert.deepEqual([second.size, total.bytes], [0, MOST_STAGED_BYTES]);
  first.removeFirst();
  assert.deepEqual([second.add(one(LENGTH), 0), total.bytes], [0, MOST_STAGED_BYTES]);
  assert.deepEqual([second.clear(), first.clear(), total.bytes], [1, MOST - 1, 0]);
  first.removeFirst();
  assert.equal(total.bytes, 0);
});

test('a copy is kept of the packet that is meant, with what is left to be done about it', () => {
  const buffer = Uint8Array.from({ length: 300 }, (_, i) => i);
  const words = Int32Array.from({ length: 3 * IN_WORDS }, (_, i) => i);
  words.set([100, 50], IN_WORDS);
  const staged = new Staged({ bytes: 0 });
  staged.add({ buffer, words, count: 3 }, 1);
  buffer.fill(0);
  assert.deepEqual(
    staged.first?.buffer,
    Uint8Array.from({ length: 50 }, (_, i) => 100 + i),
  );
  assert.deepEqual(
    [...(staged.first?.words ?? [])],
    [0, 50, ...Array.from({ length: IN_WORDS - 2 }, (_, i) => IN_WORDS + 2 + i)],
  );
});

test('small ones take their share: a peer has 128 of them, and all together no more than 4,096', () => {
  const total = { bytes: 0 };
  let waiting = 0;
  for (let i = 0; i < 40; i++) {
    const staged = new Staged(total);
    for (let j = 0; j < 130; j++) staged.add(one(20), 0);
    assert.ok(staged.size <= 128);
    waiting += staged.size;
  }
  assert.equal(waiting, Math.floor(MOST_STAGED_BYTES / (20 + STAGED_PACKET_BYTES)));
});

test('one larger than what all others leave drops all of its peer’s, and itself', () => {
  const total = { bytes: 0 };
  const [first, second] = [new Staged(total), new Staged(total)];
  for (let i = 0; i < MOST - 1; i++) first.add(one(LENGTH), 0);
  for (let i = 0; i < 3; i++) second.add(one(1000), 0);
  assert.equal(second.add(one(LENGTH + 1), 0), 4);
  assert.deepEqual([second.size, total.bytes], [0, MOST_STAGED_BYTES - 65_536]);
});

test('an interface whose peers do not answer keeps 4 MiB, counts the rest, and has room again when they are given up', () => {
  const scene = new Scene();
  const host = scene.add(1);
  scene.filter = () => false;
  const silent = [10, 11, 12, 13].map((id) => scene.add(id));
  for (const other of silent) scene.join(host, other);
  const sendTo = (other: Host): void => {
    for (let i = 0; i < 32; i++) scene.send(host, other, 40_000);
  };
  for (const other of silent) sendTo(other);
  const waiting = Math.floor(MOST_STAGED_BYTES / (40_000 + STAGED_PACKET_BYTES));
  assert.equal(
    [...host.core.peers].reduce((sum, { staged }) => sum + staged.size, 0),
    waiting,
  );
  assert.equal(host.core.dropped[Drop.staged], 4 * 32 - waiting);
  scene.run(120e6);
  assert.equal(host.core.dropped[Drop.staged], 4 * 32, 'given up after ninety seconds');
  for (const other of silent.slice(0, 3)) sendTo(other);
  assert.equal(host.core.dropped[Drop.staged], 4 * 32);
});

test('what waited for a peer that is removed or reset, or that was sent, is no burden for others', () => {
  const room = (free: (parts: ReturnType<typeof pair>) => void): boolean => {
    const parts = pair();
    const { scene, a, b, toB } = parts;
    scene.filter = () => false;
    for (let i = 0; i < 102; i++) scene.send(a, b, 40_000);
    assert.equal(toB.staged.size, 102);
    free(parts);
    const other = scene.add(3);
    const [toOther] = scene.join(a, other);
    scene.filter = () => false;
    for (let i = 0; i < 102; i++) scene.send(a, other, 40_000);
    return toOther.staged.size === 102;
  };
  assert.ok(!room(() => {}));
  assert.ok(room(({ a, toB }) => a.core.removePeer(toB)));
  assert.ok(room(({ a, toB }) => a.core.resetPeer(toB)));
  assert.ok(
    room(({ scene }) => {
      scene.filter = () => true;
      scene.run(6e6);
    }),
  );
});
