import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Shape, Shaper } from './shaper.ts';

const TEN_MBIT: Shape = { bitsPerSecond: 10e6, delayUs: 20_000, queueBytes: 10_000 };

/** An IPv4 packet of so many bytes, all zero but its first. */
const packet = (bytes: number): Uint8Array => {
  const made = new Uint8Array(bytes);
  made[0] = 0x45;
  return made;
};

/** Repeatable (Numerical Recipes' generator). */
const random = () => {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const dues = (shaper: Shaper): number[] => {
  const all: number[] = [];
  for (let next = shaper.take(1e9); next !== undefined; next = shaper.take(1e9)) all.push(next.dueUs);
  return all;
};

test('packets take their time at the rate of the link, and then the delay', () => {
  const shaper = new Shaper(TEN_MBIT, random());
  for (let i = 0; i < 3; i++) shaper.offer(0, packet(1250));
  shaper.offer(10_000, packet(1250));
  assert.equal(shaper.dueUs, 21_000);
  assert.equal(shaper.take(20_999), undefined);
  assert.deepEqual(dues(shaper), [21_000, 22_000, 23_000, 31_000]);
  assert.equal(shaper.dueUs, Number.POSITIVE_INFINITY);
});

test('what the queue has no room for is dropped, by bytes', () => {
  for (const [size, fit] of [
    [1250, 8],
    [500, 20],
  ] as const) {
    const shaper = new Shaper(TEN_MBIT, random());
    const taken = Array.from({ length: 30 }, () => shaper.offer(0, packet(size))).filter(Boolean).length;
    assert.equal(taken, fit);
    assert.equal(shaper.overflows, 30 - fit);
    assert.equal(shaper.queuedBytes(0), 10_000);
    assert.equal(shaper.queuedBytes(4000), 5000);
  }
});

test('a shape of nothing is a wire', () => {
  const shaper = new Shaper({}, random());
  assert.ok(shaper.offer(5, packet(1e6)));
  assert.equal(shaper.take(5)?.bytes.length, 1e6);
});

test('a share vanishes, having taken its time, and a share has a bit turned behind its header', () => {
  const shaper = new Shaper({ ...TEN_MBIT, queueBytes: 1e9, drop: 0.1, corrupt: 0.05 }, random());
  for (let i = 0; i < 1000; i++) shaper.offer(0, packet(1250));
  assert.ok(Math.abs(shaper.faults.dropped - 100) < 20 && Math.abs(shaper.faults.corrupted - 45) < 20);
  let turned = 0;
  let last = 0;
  for (let next = shaper.take(1e9); next !== undefined; next = shaper.take(1e9)) {
    last = next.dueUs;
    assert.deepEqual(next.bytes.subarray(0, 20), packet(20));
    if (next.bytes.subarray(20).some((byte) => byte !== 0)) turned++;
  }
  assert.equal(turned, shaper.faults.corrupted);
  assert.ok(last > 1_018_000, 'the rate is shared with what vanishes');
});

test('a new rate is that of packets that wait already, and order is kept when the way becomes shorter', () => {
  const shaper = new Shaper(TEN_MBIT, random());
  for (let i = 0; i < 4; i++) shaper.offer(0, packet(1250));
  // One has left, one has just begun.
  shaper.change(1000, { ...TEN_MBIT, bitsPerSecond: 5e6 });
  assert.deepEqual(dues(shaper), [21_000, 23_000, 25_000, 27_000]);
  shaper.offer(30_000, packet(1250));
  shaper.offer(30_000, packet(1250));
  shaper.change(32_000, { ...TEN_MBIT, delayUs: 0 });
  assert.deepEqual(dues(shaper), [52_000, 52_000]);
});

test('a queue can hold a number of packets, whatever their size, and makes room as they leave', () => {
  const shaper = new Shaper({ bitsPerSecond: 10e6, queuePackets: 3 }, random());
  const offer = (now: number) => shaper.offer(now, packet(1250));
  // One is being sent, three wait.
  assert.deepEqual([0, 0, 0, 0, 0].map(offer), [true, true, true, true, false]);
  assert.equal(shaper.overflows, 1);
  assert.deepEqual([offer(1000), offer(1000)], [true, false]);
  shaper.change(1000, { bitsPerSecond: 5e6, queuePackets: 3 });
  assert.deepEqual([offer(2999), offer(3000)], [false, true]);
});

test('a packet is copied, and its room is used again once the next one is asked for', () => {
  const shaper = new Shaper({}, random());
  const sent = packet(100);
  const takeOne = () => {
    shaper.offer(0, sent);
    return shaper.take(0);
  };
  const first = takeOne();
  assert.ok(first);
  sent[50] = 7;
  assert.equal(first.bytes[50], 0);
  shaper.offer(0, sent);
  const second = shaper.take(0);
  assert.notEqual(second, first, 'the first was lent until now');
  assert.equal(second?.bytes[50], 7);
  sent[50] = 8;
  assert.equal(takeOne(), first);
  assert.equal(first.bytes[50], 8);
  assert.equal(shaper.take(0), undefined);
});
