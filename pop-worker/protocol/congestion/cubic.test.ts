import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cubic } from './cubic.ts';
import { type RateSample, RateSampler } from './rate-sampler.ts';

const MTU = 1200;
const RTT_US = 100_000;

const sampleOf = (over: Partial<RateSample>): RateSample => ({
  ...new RateSampler().sample,
  smoothedRttUs: RTT_US,
  minRttUs: RTT_US,
  rttUs: RTT_US,
  txInFlight: 1e9,
  ...over,
});

/** Acknowledges a whole window in each round trip. */
class Sender {
  readonly cubic = new Cubic({ maxDatagramBytes: MTU, random: () => 0.5 });
  now = 1_000_000;
  rounds = 0;

  /** One ACK, the first of a round. */
  begin(over: Partial<RateSample>): this {
    this.rounds++;
    this.#ack(over);
    return this;
  }

  #ack(over: Partial<RateSample>): void {
    const acked = { newlyAcked: MTU, ackedOutsideRecovery: MTU, largestSentTime: this.now - RTT_US };
    this.cubic.onAck(this.now, sampleOf({ ...acked, roundCount: this.rounds, ...over }), 0);
  }

  /** @param begins a round; `false`: the present one goes on */
  round(over: Partial<RateSample> = {}, begins = true): this {
    this.now += RTT_US;
    const window = Math.floor(this.cubic.congestionWindow / MTU);
    if (begins) this.rounds++;
    for (let i = 0; i < window; i++) this.#ack(over);
    return this;
  }

  lose(): this {
    this.cubic.onCongestionEvent(this.now, MTU, this.now - 1);
    this.now += RTT_US;
    return this;
  }

  /** Datagrams in the window. */
  get window(): number {
    return this.cubic.congestionWindow / MTU;
  }
}

const isNear = (value: number, wanted: number, share = 0.03): void =>
  assert.ok(Math.abs(value - wanted) <= share * wanted, `${value}, not ${wanted}`);

/** A sender with a window of so many datagrams that loses one. */
const afterLoss = (window: number): Sender => {
  const sender = new Sender();
  sender.cubic.congestionWindow = window * MTU;
  return sender.lose();
};

test('RFC 9438 §4.6: loss leaves seven tenths of the window', () => {
  const sender = afterLoss(1000);
  assert.equal(sender.window, 700);
  assert.equal(sender.cubic.slowStartThreshold, 700 * MTU);
  sender.cubic.onCongestionEvent(sender.now, MTU, sender.now - 2 * RTT_US);
  assert.equal(sender.window, 700, 'one reduction for one round trip');
});

test('RFC 9438 §4.2: the window comes back to W_max after K seconds, and is flat there', () => {
  const sender = afterLoss(1000);
  const k = Math.cbrt((1000 - 700) / 0.4);
  for (let s = 0; s < k; s += RTT_US / 1e6) sender.round();
  isNear(sender.window, 1000);
  const flat = sender.window;
  sender.round();
  assert.ok(sender.window - flat < 1, 'less than a datagram in a round trip');
  for (let s = 0; s < 5; s += RTT_US / 1e6) sender.round();
  isNear(sender.window, 1000 + 0.4 * 5 ** 3, 0.05);
});

test('RFC 9438 §4.3: a small window grows no slower than Reno’s', () => {
  const sender = afterLoss(20);
  assert.equal(sender.window, 14);
  const alpha = (3 * 0.3) / 1.7;
  for (let i = 0; i < 10; i++) sender.round();
  isNear(sender.window, 14 + 10 * alpha, 0.05);
});

test('RFC 9438 §4.3: from the window before the loss on, Reno’s growth is a datagram a round trip', () => {
  const sender = afterLoss(12);
  for (let i = 0; i < 12; i++) sender.round();
  const before = sender.window;
  for (let i = 0; i < 5; i++) sender.round();
  isNear(sender.window - before, 5, 0.1);
});

test('RFC 9438 §4.7: who loses before W_max is reached gives room to others', () => {
  const sender = afterLoss(1000).lose();
  assert.equal(sender.window, 490);
  const k = Math.cbrt((700 * 0.85 - 490) / 0.4);
  for (let s = 0; s < k; s += RTT_US / 1e6) sender.round();
  isNear(sender.window, 700 * 0.85);
});

test('RFC 9438 §4.2, §5.8: time in which the application is the limit does not count', () => {
  const paused = afterLoss(1000);
  const steady = afterLoss(1000);
  for (let i = 0; i < 20; i++) {
    paused.round();
    steady.round();
  }
  const idle = { isAppLimited: true, txInFlight: MTU, priorInFlight: MTU };
  for (let i = 0; i < 100; i++) paused.round(idle);
  paused.round();
  steady.round();
  isNear(paused.window, steady.window, 0.001);
});

test('RFC 9438 §4.8: after persistent congestion the window grows from the minimum', () => {
  const sender = afterLoss(1000);
  sender.cubic.onPersistentCongestion(sender.now);
  assert.equal(sender.window, 2);
  assert.equal(sender.cubic.state, 'slow-start');
  while (sender.cubic.state === 'slow-start') sender.round();
  isNear(sender.window, 700, 0.01);
  sender.round();
  assert.ok(sender.window < 705, `${sender.window}`);
});

test('RFC 9438 §4.9.2: a needless reduction is taken back, with the curve that it ended', () => {
  const sender = afterLoss(1000);
  for (let i = 0; i < 30; i++) sender.round();
  const twin = afterLoss(1000);
  for (let i = 0; i < 30; i++) twin.round();
  const before = sender.window;
  sender.lose();
  sender.cubic.onSpuriousLoss(sender.now);
  assert.equal(sender.window, before);
  twin.now += RTT_US;
  isNear(sender.round().window, twin.round().window, 0.001);
});

test('RFC 9438 §4.10, RFC 9406: slow start that HyStart++ ends has no W_max to go back to', () => {
  const sender = new Sender();
  for (let i = 0; i < 4; i++) sender.round();
  isNear(sender.window, 160, 0.01);
  for (let i = 0; i < 12 && sender.cubic.state === 'slow-start'; i++) sender.round({ rttUs: RTT_US + 30_000 });
  assert.equal(sender.cubic.state, 'congestion-avoidance');
  const from = sender.window;
  sender.round();
  assert.ok(sender.window - from < 2);
});

test('RFC 9406 §4.2: a round whose first ACK the application limited is a round', () => {
  const sender = new Sender();
  for (let i = 0; i < 4; i++) sender.round();
  const { congestionWindow } = sender.cubic;
  const longer = { rttUs: RTT_US + 30_000 };
  const limited = { isAppLimited: true, txInFlight: MTU, priorInFlight: MTU };
  for (let i = 0; i < 12 && sender.cubic.state === 'slow-start'; i++) sender.begin(limited).round(longer, false);
  assert.equal(sender.cubic.state, 'congestion-avoidance');
  assert.ok(sender.cubic.congestionWindow < 5 * congestionWindow, `${sender.cubic.congestionWindow}`);
});

test('RFC 9438 §4.2: however far the curve is ahead, an ACK aims at half a window more at most', () => {
  const sender = afterLoss(1000);
  sender.round();
  sender.now += 60_000_000;
  const before = sender.window;
  sender.begin({});
  isNear(sender.window - before, 0.5, 0.001);
});

test('RFC 9406 §4.3: HyStart++ is for the first slow start only', () => {
  const sender = afterLoss(1000);
  sender.cubic.onPersistentCongestion(sender.now);
  for (let i = 0; i < 8; i++) sender.round({ rttUs: RTT_US + i * 20_000 });
  isNear(sender.window, 2 * 2 ** 8, 0.001);
});
