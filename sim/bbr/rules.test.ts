/** Rules of draft-ietf-ccwg-bbr-06 that none of its examples shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './scene.ts';

const PATH = { mbit: 20, rttMs: 40, queueBdp: 4 };
const UP = 'probe-bw-up';
const DOWN = 'probe-bw-down';
const CRUISE = 'probe-bw-cruise';
const REFILL = 'probe-bw-refill';
const PROBE_RTT = 'probe-rtt';

/** A flow whose latest UP went too high, so that there is a long-term bound. */
const bounded = (): Scene => {
  const scene = new Scene(PATH).untilState(UP);
  let seen = 0;
  scene.experiment.loses = () => ++seen % 20 === 0;
  scene.until(() => scene.state !== UP, 1000);
  scene.experiment.loses = () => false;
  assert.ok(Number.isFinite(scene.model.longTerm.inflight));
  return scene;
};

test('§5.3.3.6: after a probe that went too high the next one only reaches the bound, and the one after goes on from there', () => {
  const scene = bounded().untilState(UP);
  const start = scene.model.rounds.count;
  scene.until(() => scene.state !== UP, 1000);
  assert.equal(scene.state, DOWN);
  assert.ok(scene.model.rounds.count - start < 3, 'no time for a plateau');
  assert.equal(scene.model.fullBandwidth.now, false);
  const down = scene.nowMs;
  scene.untilState(REFILL);
  assert.ok(scene.nowMs - down < 300, `${scene.nowMs - down} ms: a round of feedback, not the seconds between probes`);
  scene.untilState(UP);
  const again = scene.model.rounds.count;
  scene.until(() => scene.state !== UP, 2000);
  assert.ok(scene.model.rounds.count - again >= 3, 'this time until a plateau');
});

test('§5.6.4.7: CRUISE leaves headroom below the bound, REFILL uses it all', () => {
  const scene = bounded().untilState(CRUISE).pass(500);
  const { longTerm, datagramBytes } = scene.model;
  assert.equal(scene.model.cwnd, longTerm.withHeadroom(datagramBytes));
  scene.untilState(REFILL).until(() => scene.state !== REFILL || scene.model.cwnd > 0.9 * longTerm.inflight, 200);
  assert.equal(scene.state, REFILL);
});

test('§5.3.4.3: what is sent in ProbeRTT says nothing about the bandwidth', () => {
  const scene = new Scene(PATH).untilState(PROBE_RTT).pass(100);
  const { bbr } = scene;
  const limited = new Set<boolean>();
  const heard = bbr.onAck.bind(bbr);
  bbr.onAck = (now, sample, bytesInFlight) => {
    limited.add(sample.isAppLimited);
    heard(now, sample, bytesInFlight);
  };
  scene.pass(80);
  assert.equal(scene.state, PROBE_RTT);
  assert.deepEqual([...limited], [true]);
});

test('§5.4.1: after idleness packets leave at the bandwidth, whatever the state', () => {
  const scene = new Scene(PATH).untilState(UP);
  scene.flow.setApplication({ bytes: 0 });
  scene.until(() => scene.model.bytesInFlight === 0, 1000).pass(5);
  assert.equal(scene.state, UP);
  assert.equal(scene.model.pacingRate, 1.25 * scene.model.bandwidth * 0.99);
  scene.flow.setApplication({ bytes: 3000 });
  assert.equal(scene.model.pacingRate, scene.model.bandwidth * 0.99);
});
