import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NewReno } from '#protocol/congestion/newreno.ts';
import { LinkSimulation } from './testing/link.ts';

const controller = (options: ConstructorParameters<typeof NewReno>[0]): NewReno => new NewReno(options);
/** 50 Mbit/s, 40 ms: a bandwidth-delay product of 250 kB. */
const LINK = { bitsPerSecond: 50e6, rttMs: 40, controller };
const BDP = 250_000;

const megabits = (packets: number, ms: number): number => (packets * 1250 * 8) / (ms * 1000);

test('NewReno fills 50 Mbit/s at 40 ms', () => {
  const link = new LinkSimulation({ ...LINK, queueBytes: BDP });
  link.runUntil(2000);
  const before = link.deliveredPackets;
  link.runUntil(10_000);
  const rate = megabits(link.deliveredPackets - before, 8000);
  assert.ok(rate >= 45 && rate <= 50, `${rate} Mbit/s`);
  assert.equal(link.recovery.stats.persistentCongestions, 0);
  assert.equal(link.recovery.stats.spuriousLosses, 0);
  assert.equal(link.recovery.stats.probeTimeouts, 0);
});

test('a window that fits the path never loses', () => {
  const link = new LinkSimulation({ ...LINK, queueBytes: 1e9, packets: 2000 });
  link.runUntil(10_000);
  assert.equal(link.deliveredPackets, 2000);
  assert.equal(link.recovery.stats.packetsLost, 0);
  assert.equal(link.recovery.bytesInFlight, 0);
});

test('slow start doubles the window each round trip', () => {
  const link = new LinkSimulation({ ...LINK, bitsPerSecond: 10e9, queueBytes: 1e9 });
  const windows: number[] = [];
  // Half a round trip late: the pacer spreads a window over that long, twice as fast as the window would go.
  for (let round = 0; round <= 6; round++) {
    link.runUntil(20.5 + 41 * round);
    windows.push(link.recovery.controller.congestionWindow);
  }
  assert.equal(windows[0], 12_000);
  assert.equal(windows[1], 12_000 + 9 * 1250, 'nine packets of 1250 fit the initial window');
  for (let i = 1; i < windows.length; i++) {
    const growth = (windows[i] as number) / (windows[i - 1] as number);
    assert.ok(growth > 1.9 && growth < 2.1, `round ${i + 1}: ${growth}`);
  }
});

test('one loss halves the window, once, and the packet travels again', () => {
  const link = new LinkSimulation({ ...LINK, queueBytes: 1e9, drop: new Set([100]), packets: 600 });
  let largest = 0;
  let smallestAfter = Number.POSITIVE_INFINITY;
  link.onStep = () => {
    const { congestionWindow } = link.recovery.controller;
    if (link.recovery.stats.packetsLost === 0) largest = Math.max(largest, congestionWindow);
    else smallestAfter = Math.min(smallestAfter, congestionWindow);
  };
  link.runUntil(10_000);
  assert.equal(link.deliveredPackets, 600);
  assert.equal(link.recovery.stats.packetsLost, 1);
  assert.equal(smallestAfter, largest / 2);
});

test('many losses in one round trip halve the window once', () => {
  const drop = new Set([100, 103, 107, 112, 120]);
  const link = new LinkSimulation({ ...LINK, queueBytes: 1e9, drop, packets: 600 });
  const starts = new Set<number>();
  link.onStep = () => starts.add(link.recovery.controller.recoveryStartTime);
  link.runUntil(10_000);
  assert.equal(link.recovery.stats.packetsLost, 5);
  assert.equal([...starts].filter(Number.isFinite).length, 1);
  assert.equal(link.deliveredPackets, 600);
});

test('everything arrives over a path that loses one packet in twenty', () => {
  for (const seed of [1, 2, 3]) {
    const link = new LinkSimulation({ ...LINK, queueBytes: BDP, loss: 0.05, seed, packets: 3000 });
    link.runUntil(600_000);
    assert.equal(link.deliveredPackets, 3000);
    assert.equal(link.recovery.bytesInFlight, 0);
  }
});

test('the pacer keeps the queue of the bottleneck short in slow start', () => {
  const link = new LinkSimulation({ ...LINK, queueBytes: 1e9 });
  link.runUntil(100);
  // Unpaced, a window of 48 kB would arrive at once.
  assert.ok(link.recovery.controller.congestionWindow >= 40_000);
  assert.ok(link.maxQueueBytes < 20_000, `${link.maxQueueBytes} bytes queued`);
});
