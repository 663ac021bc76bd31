import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { Events } from '../events.ts';
import { Bottleneck } from './bottleneck.ts';
import type { Next, Packet } from './packet.ts';
import { CoDel, DropTail } from './queue.ts';
import { burstLoss, compress, delay, jitter, loss, policer, reorder, slots } from './stages.ts';

const SIZE = 1250;

/** Sends packets a certain time apart through something, and notes when which ones came out. */
class Line {
  readonly events = new Events();
  readonly random = new SeededRandom(7);
  readonly out: { readonly number: number; readonly at: number; readonly sentAt: number }[] = [];
  #sent = 0;

  readonly end: Next = (packet) => {
    const number = packet.bytes[0] as number;
    this.out.push({ number: number + 256 * (packet.bytes[1] as number), at: this.events.now, sentAt: packet.sentAt });
  };

  packet(size = SIZE, ecn = 0): Packet {
    const number = this.#sent++;
    return {
      bytes: Uint8Array.of(number, number >> 8),
      size,
      flow: 0,
      ecn,
      sentAt: this.events.now,
      deliver: () => {},
    };
  }

  /** @param apart microseconds */
  send(stage: Next, count: number, apart: number, size = SIZE): this {
    const start = this.events.now;
    for (let i = 0; i < count; i++) this.events.plan(start + i * apart, () => stage(this.packet(size)));
    this.events.runUntil(start + count * apart + 10_000_000);
    return this;
  }

  get numbers(): number[] {
    return this.out.map(({ number }) => number);
  }

  get delays(): number[] {
    return this.out.map(({ at, sentAt }) => at - sentAt);
  }
}

const inOrder = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => i === 0 || n > (numbers[i - 1] as number));

test('delay: every packet takes so long', () => {
  const line = new Line();
  line.send(
    delay(line.events, () => 20_000, line.end),
    10,
    100,
  );
  assert.deepEqual(new Set(line.delays), new Set([20_000]));
});

test('jitter: up to so much more, and order is kept', () => {
  const line = new Line();
  line.send(jitter(line.events, line.random, 5000, line.end), 1000, 100);
  assert.ok(inOrder(line.numbers) && line.numbers.length === 1000);
  assert.ok(line.delays.every((us) => us >= 0 && us <= 5000) && Math.max(...line.delays) > 4500);
});

test('reorder: a share of packets comes later than those behind it', () => {
  const line = new Line();
  line.send(reorder(line.events, line.random, 0.1, 3000, line.end), 2000, 100);
  const late = line.delays.filter((us) => us === 3000).length;
  assert.ok(late > 150 && late < 250, `${late}`);
  assert.equal(line.delays.filter((us) => us === 0).length, 2000 - late);
  assert.ok(!inOrder(line.numbers));
});

test('loss: a share of packets, each by itself', () => {
  const line = new Line();
  line.send(loss(line.random, 0.02, line.end), 20_000, 10);
  assert.ok(Math.abs(line.out.length - 19_600) < 80, `${line.out.length}`);
});

test('burst loss: the share and the length of bursts are as asked', () => {
  const line = new Line();
  line.send(burstLoss(line.random, 95, 5, line.end), 60_000, 10);
  assert.ok(Math.abs(line.out.length / 60_000 - 0.95) < 0.01, `${line.out.length / 60_000}`);
  const { numbers } = line;
  const gaps = numbers.flatMap((n, i) => {
    const gap = i === 0 ? 0 : ((n - (numbers[i - 1] as number) + 65_536) % 65_536) - 1;
    return gap > 0 ? [gap] : [];
  });
  const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
  assert.ok(mean > 4 && mean < 6, `${mean}`);
});

test('slots: what waits leaves together at the next one', () => {
  const line = new Line();
  line.send(
    slots(line.events, () => 10_000, line.end),
    50,
    1000,
  );
  assert.deepEqual([...new Set(line.out.map(({ at }) => at))], [10_000, 20_000, 30_000, 40_000, 50_000]);
  assert.ok(inOrder(line.numbers));
});

test('compression: now and then all is held, and let go at once', () => {
  const line = new Line();
  line.send(compress(line.events, line.random, 0.01, 20_000, line.end), 5000, 1000);
  assert.ok(inOrder(line.numbers) && line.numbers.length === 5000);
  const together = new Map<number, number>();
  for (const { at } of line.out) together.set(at, (together.get(at) ?? 0) + 1);
  const held = [...together.values()].filter((count) => count > 1);
  // One in a hundred of those that are not held begins it.
  assert.ok(held.length > 25 && held.length < 60, `${held.length}`);
  assert.ok(
    held.every((count) => count === 20 || count === 21),
    held.join(),
  );
});

test('policer: a burst, then its rate, and nothing waits', () => {
  const line = new Line();
  // 100 Mbit/s for a second into a bucket of 10 Mbit/s and 125 kB.
  line.send(policer(line.events, 10e6, 125_000, line.end), 10_000, 100);
  const bytes = line.out.length * SIZE;
  assert.ok(Math.abs(bytes - 1_375_000) <= 2 * SIZE, `${bytes}`);
  assert.deepEqual(new Set(line.delays), new Set([0]));
});

const neck = (line: Line, queue: DropTail | CoDel, mbit = 10): Bottleneck =>
  new Bottleneck(line.events, mbit * 1e6, queue, line.end);

test('bottleneck: packets leave at its rate, which may change', () => {
  const line = new Line();
  const link = neck(line, new DropTail(1e6));
  line.events.plan(10_000, () => link.setRate(5e6));
  line.send(link.send, 20, 0);
  const gaps = line.out.map(({ at }, i) => at - (line.out[i - 1]?.at ?? 0));
  assert.deepEqual(new Set(gaps.slice(0, 10)), new Set([1000]));
  assert.deepEqual(new Set(gaps.slice(11)), new Set([2000]));
});

test('drop-tail: the queue has room for bytes, not packets', () => {
  for (const [size, fit] of [
    [1000, 10],
    [500, 20],
  ] as const) {
    const line = new Line();
    const queue = new DropTail(10_000);
    line.send(neck(line, queue).send, 30, 0, size);
    // One is being sent and waits no more.
    assert.equal(line.out.length, fit + 1);
    assert.equal(queue.drops, 30 - fit - 1);
  }
});

test('CoDel (RFC 8289): no drop below 5 ms of delay', () => {
  const line = new Line();
  const queue = new CoDel(1e6);
  // Four packets, 4 ms, every 4 ms.
  for (let i = 0; i < 500; i++)
    line.events.plan(i * 4000, () => Array.from({ length: 4 }, () => link.send(line.packet())));
  const link = neck(line, queue);
  line.events.runUntil(3e6);
  assert.equal(queue.drops, 0);
  assert.equal(line.out.length, 2000);
});

test('CoDel (RFC 8289): a queue that stands for 100 ms loses its head, more and more often', () => {
  const line = new Line();
  const queue = new CoDel(1e6);
  const at: number[] = [];
  const link = neck(line, queue);
  let before = 0;
  // A fifth more than the link takes, for two seconds.
  for (let t = 0; t < 2_000_000; t += 833) line.events.plan(t, () => link.send(line.packet()));
  for (let t = 0; t < 2_000_000; t += 1000) {
    line.events.plan(t, () => {
      for (; before < queue.drops; before++) at.push(t);
    });
  }
  line.events.runUntil(2e6);
  const [first = 0, second = 0, third = 0] = at;
  // 25 ms until 5 ms are queued, then an interval.
  assert.ok(first >= 120_000 && first <= 150_000, `${first}`);
  assert.ok(Math.abs(second - first - 100_000) <= 3000, `${second - first}`);
  assert.ok(Math.abs(third - second - 100_000 / Math.SQRT2) <= 3000, `${third - second}`);
});

test('marking: what comes while more than so much waits, if its ends understand, and nothing is lost', () => {
  const line = new Line();
  const queue = new DropTail(1e6, 4 * SIZE);
  const marked: boolean[] = [];
  const link = new Bottleneck(line.events, 10e6, queue, ({ ecn }) => marked.push(ecn === 3));
  // The first is being sent; behind it one, two, … wait. Every third is not ECT.
  for (let i = 0; i < 12; i++) link.send(line.packet(SIZE, i % 3 === 0 ? 0 : 2));
  line.events.runUntil(1e6);
  assert.deepEqual(
    marked,
    Array.from({ length: 12 }, (_, i) => i >= 6 && i % 3 !== 0),
  );
  assert.deepEqual([queue.marks, queue.drops], [4, 0]);
});

test('CoDel marks what it would drop, and drops what cannot be marked', () => {
  for (const ecn of [0, 2]) {
    const line = new Line();
    const queue = new CoDel(1e6, true);
    let marked = 0;
    const link = new Bottleneck(line.events, 10e6, queue, (packet) => {
      if (packet.ecn === 3) marked++;
    });
    for (let t = 0; t < 2_000_000; t += 833) line.events.plan(t, () => link.send(line.packet(SIZE, ecn)));
    line.events.runUntil(2e6);
    const [some, none] = ecn === 0 ? [queue.drops, queue.marks] : [queue.marks, queue.drops];
    assert.ok(some > 20 && some < 200, `${some}`);
    assert.deepEqual([none, marked], [0, queue.marks]);
  }
});
