/** Examples of draft-ietf-ccwg-bbr-06 appendix A about paths that aggregate, change, lose and reorder. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '../path/packet.ts';
import { Scene } from './scene.ts';

const PATH = { mbit: 20, rttMs: 40, queueBdp: 4 };
const UP = 'probe-bw-up';
const DOWN = 'probe-bw-down';
const CRUISE = 'probe-bw-cruise';

/** Mbit/s that arrive in the time from now on. */
const rate = (scene: Scene, ms: number): number => {
  const before = scene.flow.receivedBytes;
  scene.pass(ms);
  return ((scene.flow.receivedBytes - before) * 8) / ms / 1000;
};

test('A.12: Startup finds the bandwidth of a path that aggregates ACKs', () => {
  const scene = new Scene({ ...PATH, ackSlotMs: 20 });
  let largest = 0;
  scene.until(() => {
    largest = Math.max(largest, scene.model.cwnd);
    return scene.model.fullBandwidth.reached;
  });
  assert.ok(scene.model.extraAcked.value > 0);
  assert.ok(largest > 2 * scene.model.bdp(1), 'more than two BDP');
  assert.ok((scene.model.maxBandwidth.value * 8) / 1e6 > 18);
});

test('A.13: cruising fills a path that aggregates ACKs', () => {
  const scene = new Scene(PATH).untilState(CRUISE);
  scene.experiment.ackSlotMs = 30;
  scene.pass(2000);
  // Thirty milliseconds of 20 Mbit/s come at once.
  assert.ok(scene.model.extraAcked.value > 30_000, `${scene.model.extraAcked.value}`);
  assert.ok(rate(scene, 4000) > 18);
  scene.experiment.ackSlotMs = 0;
  scene.until(() => scene.model.extraAcked.value < 20_000, 10_000, 'forgotten after ten rounds');
});

test('A.14: the window is four packets where a BDP is less than one', () => {
  const path = { mbit: 0.5, rttMs: 10, queueBdp: 40 };
  const scene = new Scene(path);
  scene.until(() => scene.model.state.inProbeBandwidth);
  scene.pass(3000);
  assert.ok(scene.model.bdp(1) < 2 * scene.model.datagramBytes);
  assert.ok(scene.model.cwnd >= 4 * scene.model.datagramBytes);
  assert.ok(rate(scene, 4000) > 0.45);
});

test('A.15: ten times the bandwidth is found', () => {
  const scene = new Scene({ mbit: 10, rttMs: 40, queueBdp: 4 });
  scene.until(() => scene.model.state.inProbeBandwidth).pass(3000);
  scene.experiment.setMbit(100);
  scene.until(() => scene.model.maxBandwidth.value * 8 > 90e6, 20_000, '90 Mbit/s');
});

test('A.16: a tenth of the bandwidth is found', () => {
  const scene = new Scene({ mbit: 100, rttMs: 40, queueBdp: 1 });
  scene.until(() => scene.model.state.inProbeBandwidth).pass(3000);
  scene.experiment.setMbit(10);
  scene.until(() => scene.model.shortTerm.bandwidth * 8 < 60e6, 3000, 'the short-term bound');
  scene.until(() => scene.model.maxBandwidth.value * 8 < 11e6, 20_000, 'max_bw');
});

test('A.17: a policer is found out', () => {
  const scene = new Scene({ ...PATH, mbit: 100, policer: { mbit: 10, burstBytes: 60_000 } });
  scene.until(() => Number.isFinite(scene.model.shortTerm.bandwidth), 20_000, 'a reaction to loss');
  scene.pass(10_000);
  const recorder = scene.experiment.recorders[0]!;
  const [sent, arrived] = [recorder.sentPackets, recorder.arrivedPackets];
  const got = rate(scene, 10_000);
  assert.ok(got > 9, `${got} Mbit/s`);
  const lost = 1 - (recorder.arrivedPackets - arrived) / (recorder.sentPackets - sent);
  assert.ok(lost < 0.1, `${lost} lost`);
});

/** From now on a stretch of packets is overtaken by what follows it, and arrives after all. */
const overtaken = (scene: Scene, packets: number, ms: number): void => {
  let left = packets;
  const { events } = scene.experiment;
  scene.experiment.loses = (packet) => {
    if (left === 0) return false;
    left--;
    events.plan(events.now + ms * 1000, () => packet.deliver(packet));
    return true;
  };
};

test('A.18: a needless fast recovery in UP is taken back', () => {
  const scene = new Scene(PATH).untilState(UP);
  const window = scene.model.cwnd;
  overtaken(scene, 20, 60);
  scene.until(() => scene.state === DOWN, 1000, 'loss seems to be there');
  const from = scene.states.length;
  scene.until(() => scene.states.slice(from).includes(UP), 1500, 'back to probing');
  assert.ok(scene.model.cwnd >= window);
  assert.equal(scene.model.longTerm.inflight, Number.POSITIVE_INFINITY);
  assert.equal(scene.model.shortTerm.bandwidth, Number.POSITIVE_INFINITY);
});

test('needless losses while cruising, found out within a round, set no bound', () => {
  const scene = new Scene(PATH).untilState(UP).untilState(CRUISE);
  const window = scene.model.cwnd;
  const { shortTerm } = scene.model;
  overtaken(scene, 20, 60);
  scene.until(() => shortTerm.lossInRound, 500, 'loss seems to be there');
  scene.until(() => !shortTerm.lossInRound, 500, 'it is taken back');
  scene.pass(300);
  assert.equal(scene.state, CRUISE);
  assert.deepEqual([shortTerm.bandwidth, shortTerm.inflight], [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  assert.ok(scene.model.cwnd >= window);
});

test('A.19: a needless reaction to persistent congestion, which is QUIC’s RTO, is taken back', () => {
  const scene = new Scene(PATH).untilState(UP);
  const window = scene.model.cwnd;
  const { events } = scene.experiment;
  // A second in which nothing comes through; all of it arrives right after what is sent next.
  const until = events.now + 1_000_000;
  const held: Packet[] = [];
  scene.experiment.loses = (packet) => {
    if (events.now < until) return held.push(packet) > 0;
    for (const one of held.splice(0)) events.plan(events.now + 40_000, () => one.deliver(one));
    return false;
  };
  let reduced = 0;
  const { bbr } = scene;
  const enter = bbr.onPersistentCongestion.bind(bbr);
  bbr.onPersistentCongestion = (now) => {
    enter(now);
    reduced = bbr.congestionWindow;
  };
  scene.until(() => reduced > 0, 3000, 'persistent congestion');
  assert.ok(reduced < window / 2, `${reduced}`);
  const from = scene.states.length;
  scene.until(() => scene.model.cwnd >= window, 400, 'the window');
  scene.until(() => scene.states.slice(from).includes(UP), 1000, 'back to probing');
  assert.equal(scene.model.shortTerm.bandwidth, Number.POSITIVE_INFINITY);
  assert.equal(scene.model.longTerm.inflight, Number.POSITIVE_INFINITY);
});

test('A.21: loss in UP lowers a long-term bound and ends UP', () => {
  const scene = new Scene({ ...PATH, queueBdp: 0.2 });
  scene.until(() => Number.isFinite(scene.model.longTerm.inflight), 20_000, 'a long-term bound');
  scene.untilState(UP);
  const bound = scene.model.longTerm.inflight;
  let seen = 0;
  scene.experiment.loses = () => ++seen % 5 === 0;
  scene.until(() => scene.state !== UP, 2000);
  assert.equal(scene.state, DOWN);
  assert.ok(scene.model.longTerm.inflight <= bound);
  assert.ok(scene.model.longTerm.inflight >= 0.7 * Math.min(bound, scene.model.targetInflight) - 1);
});
