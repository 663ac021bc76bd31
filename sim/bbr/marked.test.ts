/** ECN-CE is congestion in every state (draft-ietf-ccwg-bbr-06 §3.7). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './scene.ts';

const PATH = { mbit: 20, rttMs: 40, queueBdp: 4 };
const UP = 'probe-bw-up';
const DOWN = 'probe-bw-down';
const CRUISE = 'probe-bw-cruise';
const REFILL = 'probe-bw-refill';
const CE = 3;

/** From now on every so many packets are marked; 0: none. */
const markEvery = (scene: Scene, n: number): void => {
  let seen = 0;
  scene.experiment.loses = (packet) => {
    if (n > 0 && packet.ecn !== 0 && ++seen % n === 0) packet.ecn = CE;
    return false;
  };
};

test('Startup ends on marks, and marks on everything leave the window no room to grow', () => {
  const scene = new Scene({ ...PATH, mbit: 1000 });
  let sent = 0;
  scene.experiment.loses = (packet) => {
    if (++sent > 60 && packet.ecn !== 0) packet.ecn = CE;
    return false;
  };
  scene.until(() => sent > 60);
  const window = scene.model.cwnd;
  let largest = 0;
  scene.until(() => {
    largest = Math.max(largest, scene.model.cwnd);
    return scene.state !== 'startup';
  }, 200);
  assert.ok(scene.model.fullBandwidth.now && scene.model.fullBandwidth.reached);
  assert.ok(Number.isFinite(scene.model.longTerm.inflight));
  // The first marks come back after a round, and count when a whole round of them is over.
  assert.ok(largest <= 4 * window, `${largest}, ${window}`);
  scene.pass(6000);
  assert.ok(scene.model.cwnd < window, `${scene.model.cwnd}, ${window}`);
});

test('five marks in a round of Startup are not enough, six are', () => {
  const rounds = [5, 6].map((marks) => {
    const scene = new Scene({ ...PATH, mbit: 1000 });
    let left = marks;
    let sent = 0;
    scene.experiment.loses = (packet) => {
      if (++sent > 60 && packet.ecn !== 0 && left-- > 0) packet.ecn = CE;
      return false;
    };
    scene.until(() => scene.model.state.inProbeBandwidth);
    return scene.model.rounds.count;
  });
  assert.ok((rounds[0] as number) > (rounds[1] as number) + 2, rounds.join());
});

test('one mark on what UP sent ends it and bounds what may be in flight', () => {
  const scene = new Scene(PATH).untilState(UP).pass(20);
  assert.equal(scene.model.longTerm.inflight, Number.POSITIVE_INFINITY);
  let left = 1;
  scene.experiment.loses = (packet) => {
    if (left-- > 0) packet.ecn = CE;
    return false;
  };
  scene.until(() => scene.state !== UP, 100);
  assert.equal(scene.state, DOWN);
  assert.equal(scene.model.fullBandwidth.now, false, 'not by a plateau');
  const bdp = scene.model.bdp(1);
  assert.ok(scene.model.longTerm.inflight >= 0.7 * bdp && scene.model.longTerm.inflight < 2 * bdp);
});

test('marks on what REFILL sent end UP as soon as they are told', () => {
  const scene = new Scene(PATH).untilState(REFILL);
  markEvery(scene, 10);
  scene.untilState(UP);
  markEvery(scene, 0);
  scene.until(() => scene.state !== UP, 60);
  assert.equal(scene.state, DOWN);
  assert.ok(Number.isFinite(scene.model.longTerm.inflight));
});

test('marks between probes lower the short-term bounds', () => {
  const scene = new Scene(PATH).untilState(UP).untilState(CRUISE);
  assert.equal(scene.model.shortTerm.inflight, Number.POSITIVE_INFINITY);
  const window = scene.model.cwnd;
  markEvery(scene, 20);
  scene.until(() => Number.isFinite(scene.model.shortTerm.inflight), 200);
  assert.ok(Number.isFinite(scene.model.shortTerm.bandwidth));
  assert.ok(scene.model.cwnd < window);
});
