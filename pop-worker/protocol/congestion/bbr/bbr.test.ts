import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LostPacket, type RateSample, RateSampler } from '../rate-sampler.ts';
import { Bbr } from './bbr.ts';
import { Cycle } from './cycle.ts';
import { ExtraAcked } from './extra-acked.ts';
import { Model } from './model.ts';
import { Startup } from './states/startup.ts';
import { Undo } from './undo.ts';

const SMSS = 1200;
const OPTIONS = { maxDatagramBytes: SMSS, random: () => 0.5 };

const lostPacket = (packetNumber: number, over: Partial<LostPacket> = {}): LostPacket => ({
  ...{ packetNumber, bytes: SMSS, sentTime: 0, txInFlight: 100 * SMSS, delivered: 0 },
  ...{ lost: SMSS, totalDelivered: 0, isAppLimited: false, ...over },
});

const sampleOf = (over: Partial<RateSample>): RateSample => ({
  ...new RateSampler().sample,
  rttUs: 40_000,
  smoothedRttUs: 40_000,
  minRttUs: 40_000,
  ...over,
});

/** A model of a path whose BDP is so many packets. */
const modelOf = (packets: number): Model => {
  const model = new Model(OPTIONS);
  model.minRtt.update(1, 40_000);
  model.bandwidth = (packets * SMSS) / 0.04;
  model.cwnd = 2 * packets * SMSS;
  return model;
};

test('§5.6.4.4: persistent congestion leaves what is in flight and a datagram, two at least; the end of recovery brings all back', () => {
  for (const [inFlight, window] of [
    [5 * SMSS, 6 * SMSS],
    [0, 2 * SMSS],
  ] as const) {
    const bbr = new Bbr(OPTIONS);
    const before = bbr.congestionWindow;
    bbr.onCongestionEvent(1000, SMSS, 999, true, 0, inFlight);
    bbr.onPersistentCongestion(1000);
    assert.equal(bbr.congestionWindow, window);
    const still = sampleOf({ newlyAcked: SMSS, totalDelivered: SMSS, largestSentTime: 1000 });
    bbr.onAck(2000, still, inFlight);
    assert.ok(bbr.congestionWindow < before, 'sent before recovery began');
    bbr.onAck(3000, { ...still, largestSentTime: 1001 }, inFlight);
    assert.ok(bbr.congestionWindow >= before);
  }
});

test('§5.3.3.8: a probe is due after as many rounds as a BDP has packets, 63 at most', () => {
  for (const [packets, rounds] of [
    [10, 10],
    [62, 62],
    [500, 63],
  ] as const) {
    const model = modelOf(packets);
    const cycle = new Cycle();
    cycle.begin(model, 0);
    model.rounds.sinceProbe = rounds - 1;
    assert.equal(cycle.isTimeToProbe(model, 1), false, `${packets}`);
    model.rounds.sinceProbe = rounds;
    assert.ok(cycle.isTimeToProbe(model, 1), `${packets}`);
  }
});

test('§5.3.3.8: or after two to three seconds, and counting begins at none or one', () => {
  for (const [random, rounds, waitUs] of [
    [0, 0, 2_000_000],
    [0.4, 0, 2_400_000],
    [0.6, 1, 2_600_000],
  ] as const) {
    const model = new Model({ ...OPTIONS, random: () => random });
    model.bandwidth = 1e9;
    const cycle = new Cycle();
    cycle.begin(model, 100);
    assert.equal(model.rounds.sinceProbe, rounds);
    assert.equal(cycle.isTimeToProbe(model, 100 + waitUs), false);
    assert.ok(cycle.isTimeToProbe(model, 101 + waitUs));
  }
});

test('§5.5.9: what ACKs bring beyond expectation counts up to a window', () => {
  const extra = new ExtraAcked();
  extra.update(1000, 0, 4000, 5000, 1, true);
  assert.equal(extra.value, 4000);
  extra.update(1000, 0, 4000, 5000, 1, true);
  assert.equal(extra.value, 5000);
});

test('§5.3.1.3: six ranges of lost packets in a round, and more than two percent', () => {
  const ends = (numbers: readonly number[], lost: number): boolean => {
    const model = new Model(OPTIONS);
    const startup = new Startup();
    for (const number of numbers) startup.onLost(lostPacket(number));
    model.shortTerm.roundStart = true;
    return startup.hasHighLoss(model, sampleOf({ lost, txInFlight: 100 * SMSS }));
  };
  const six = [1, 3, 5, 7, 9, 11];
  assert.ok(ends(six, 6 * SMSS));
  assert.equal(ends(six.slice(1), 6 * SMSS), false);
  assert.equal(ends([1, 2, 3, 5, 7, 9, 11, 12].slice(0, 6), 6 * SMSS), false, 'neighbours are one range');
  assert.ok(ends([1, 2, 3, 5, 7, 9, 11, 12, 20], 6 * SMSS));
  assert.equal(ends(six, 2 * SMSS), false);
});

test('§5.3.1.3: a round of losses lasts until what left after the first is acknowledged, however rare ACKs are', () => {
  const bbr = new Bbr(OPTIONS);
  const { shortTerm } = bbr.model;
  // One ACK for ten packets, and with it the first loss: C.delivered is 10 by now.
  const packets = 10 * SMSS;
  for (const number of [1, 3, 5, 7, 9, 11]) bbr.onPacketLost(1000, lostPacket(number, { totalDelivered: packets }));
  bbr.onCongestionEvent(1000, 6 * SMSS, 500, false, 0, packets);
  const first = {
    newlyAcked: packets,
    totalDelivered: packets,
    largestSentTime: 600,
    lost: 6 * SMSS,
    txInFlight: packets,
  };
  bbr.onAck(1000, sampleOf(first), packets);
  assert.equal(shortTerm.roundStart, false);
  assert.equal(bbr.state, 'startup');
  const second = { ...first, priorDelivered: packets, totalDelivered: 2 * packets, largestSentTime: 1100 };
  bbr.onAck(2000, sampleOf(second), packets);
  assert.ok(shortTerm.roundStart);
  assert.notEqual(bbr.state, 'startup');
});

test('§5.5.11: what a needless recovery lowered comes back, and no more', () => {
  const model = modelOf(100);
  const undo = new Undo();
  const { shortTerm, longTerm } = model;
  Object.assign(shortTerm, { bandwidth: 800, inflight: 80_000 });
  longTerm.inflight = 90_000;
  const before = model.cwnd;
  undo.save(model, false);
  Object.assign(shortTerm, { bandwidth: 560, inflight: 56_000, lossInRound: true });
  longTerm.inflight = 63_000;
  model.cwnd = 50_000;
  undo.restore(model);
  assert.deepEqual([shortTerm.bandwidth, shortTerm.inflight, longTerm.inflight], [800, 80_000, 90_000]);
  assert.deepEqual([model.cwnd, shortTerm.lossInRound], [before, false]);
  Object.assign(shortTerm, { bandwidth: 900, inflight: 95_000 });
  undo.restore(model);
  assert.deepEqual([shortTerm.bandwidth, shortTerm.inflight], [900, 95_000], 'not below what is known by now');
});
