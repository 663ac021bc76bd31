/** Examples of draft-ietf-ccwg-bbr-06 appendix A about when states change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '../path/packet.ts';
import { Scene } from './scene.ts';

const PATH = { mbit: 20, rttMs: 40, queueBdp: 4 };
const BDP = Scene.bdp(PATH);
const UNLIMITED = { bytes: Number.POSITIVE_INFINITY };
/** Well below what the path takes. */
const LIMITED = { bytes: 200_000, bytesPerSecond: 500_000 };
const UP = 'probe-bw-up';
const DOWN = 'probe-bw-down';
const CRUISE = 'probe-bw-cruise';
const REFILL = 'probe-bw-refill';

/** Every so many packets one vanishes. */
const everyNth = (n: number) => {
  let seen = 0;
  return (_packet: Packet): boolean => ++seen % n === 0;
};

const isNear = (value: number, wanted: number, share: number, what: string): void =>
  assert.ok(Math.abs(value - wanted) <= share * wanted, `${what}: ${value}, not ${wanted} ± ${share * 100} %`);

test('A.1: Startup ends on a plateau of the bandwidth', () => {
  const scene = new Scene(PATH);
  let counted = 0;
  scene.until(() => {
    if (scene.state === 'startup') counted = Math.max(counted, scene.model.fullBandwidth.rounds);
    return scene.state === 'drain';
  });
  assert.ok(counted >= 2);
  assert.equal(scene.model.fullBandwidth.rounds, 3);
  assert.ok(scene.model.fullBandwidth.reached);
  assert.ok(scene.model.fullBandwidth.now);
  // QUIC packets without their 28 bytes of IP and UDP headers.
  isNear(scene.model.maxBandwidth.value, (20e6 / 8) * (1 - 28 / 1500), 0.02, 'max_bw');
});

test('A.2: Startup ends on loss although the application is the limit', () => {
  const scene = new Scene({ ...PATH, mbit: 100 }, { application: { bytes: 200_000, bytesPerSecond: 5_000_000 } });
  scene.pass(1000);
  assert.equal(scene.state, 'startup');
  scene.experiment.loses = everyNth(12);
  // With so little in flight, Drain is over with the same ACK.
  scene.until(() => scene.state !== 'startup', 5000);
  assert.ok(scene.model.fullBandwidth.now && scene.model.fullBandwidth.reached);
  assert.ok(Number.isFinite(scene.model.longTerm.inflight));
});

test('A.3: Drain ends when no more than a BDP is in flight', () => {
  const scene = new Scene(PATH).untilState('drain');
  assert.equal(scene.model.state.pacingGain, 0.5);
  assert.ok(scene.model.bytesInFlight > scene.model.inflight(1));
  const round = scene.model.rounds.count;
  scene.until(() => scene.state !== 'drain');
  assert.ok(scene.model.bytesInFlight <= scene.model.inflight(1));
  assert.ok(scene.model.rounds.count <= round + 3);
  assert.ok(scene.model.state.inProbeBandwidth);
});

test('A.4: Drain ends after three rounds although more than a BDP is in flight', () => {
  const scene = new Scene({ ...PATH, queueBdp: 16 }).untilState('drain');
  const round = scene.model.rounds.count;
  // Less bandwidth than was measured: what is sent at half of that does not get less in flight.
  scene.experiment.setMbit(10 * 0.9);
  scene.until(() => scene.state !== 'drain');
  assert.equal(scene.model.rounds.count, round + 4, 'the first round after more than three');
  assert.ok(scene.model.bytesInFlight > scene.model.inflight(1));
  assert.equal(scene.state, DOWN);
});

test('A.5: UP ends on a plateau of the bandwidth', () => {
  const scene = new Scene(PATH).untilState(UP);
  const from = scene.model.rounds.count;
  scene.until(() => scene.state !== UP);
  assert.equal(scene.state, DOWN);
  assert.ok(scene.model.fullBandwidth.now);
  assert.ok(scene.model.rounds.count - from >= 3);
});

test('A.6: UP ends on loss although the application is the limit', () => {
  const scene = new Scene(PATH).untilState(REFILL);
  scene.flow.setApplication(LIMITED);
  scene.untilState(UP);
  scene.experiment.loses = everyNth(10);
  scene.until(() => scene.state !== UP, 5000);
  assert.equal(scene.state, DOWN);
  assert.equal(scene.model.fullBandwidth.now, false, 'not by a plateau');
});

test('A.7: without loss, neither Startup nor UP ends while the application is the limit', () => {
  // Bursts with pauses: half a BDP every round trip is never all that the path takes.
  const scene = new Scene({ ...PATH, mbit: 100 }, { application: { bytes: 50_000, bytesPerSecond: 300_000 } });
  scene.pass(4500);
  assert.equal(scene.state, 'startup');
  const later = new Scene(PATH).untilState(UP);
  later.flow.setApplication({ bytes: 0, bytesPerSecond: 200_000 });
  later.pass(1500);
  assert.equal(later.state, UP);
});

test('A.8: DOWN ends when there is headroom and no queue', () => {
  const scene = new Scene(PATH).untilState(UP).untilState(DOWN);
  assert.equal(scene.model.state.pacingGain, 0.9);
  scene.until(() => scene.state !== DOWN);
  assert.equal(scene.state, CRUISE);
  assert.ok(scene.model.bytesInFlight <= scene.model.longTerm.withHeadroom(scene.model.datagramBytes));
  assert.ok(scene.model.bytesInFlight <= scene.model.inflight(1, scene.model.maxBandwidth.value));
});

test('A.9: DOWN goes straight to REFILL when its time is over', () => {
  // A round trip with which the first probe comes after forty rounds, so that DOWN has its seconds before ProbeRTT is due.
  const scene = new Scene({ mbit: 20, rttMs: 25, queueBdp: 16 }).untilState(UP).untilState(DOWN);
  const start = scene.nowMs;
  // Much less: with a tenth, nine tenths of the bandwidth and the margin would still drain a hundredth.
  scene.experiment.setMbit(14);
  scene.until(() => scene.state !== DOWN, 5000);
  assert.equal(scene.state, REFILL);
  assert.ok(scene.nowMs - start >= 2000, `${scene.nowMs - start} ms`);
  assert.ok(scene.model.bytesInFlight > scene.model.inflight(1, scene.model.maxBandwidth.value));
});

test('A.10: ProbeRTT comes after five seconds and ends after 200 ms and a round', () => {
  const scene = new Scene(PATH).untilState(CRUISE).untilState('probe-rtt');
  assert.equal(scene.model.state.cwndGain, 0.5);
  isNear(scene.nowMs, 5000, 0.2, 'time');
  const [start, round] = [scene.nowMs, scene.model.rounds.count];
  scene.until(() => scene.state !== 'probe-rtt');
  const lasted = scene.nowMs - start;
  assert.ok(lasted >= 200 && lasted < 400, `${lasted} ms`);
  assert.ok(scene.model.rounds.count > round);
  assert.ok(scene.model.state.inProbeBandwidth);
  assert.ok(scene.model.cwnd > BDP);
});

test('A.11: an idle flow skips ProbeRTT', () => {
  const scene = new Scene(PATH).untilState(CRUISE);
  scene.flow.setApplication({ bytes: 0 });
  scene.pass(6000);
  assert.equal(scene.model.bytesInFlight, 0);
  scene.flow.setApplication({ bytes: 300_000 });
  assert.ok(scene.model.idleRestart);
  scene.pass(150);
  assert.equal(scene.model.idleRestart, false);
  assert.ok(!scene.states.includes('probe-rtt'), scene.states.join());
});

test('A.20: ProbeRTT during Startup goes back to Startup', () => {
  const scene = new Scene({ ...PATH, mbit: 100 }, { application: { bytes: 50_000, bytesPerSecond: 300_000 } });
  scene.untilState('probe-rtt', 8000);
  assert.equal(scene.model.fullBandwidth.reached, false);
  scene.until(() => scene.state !== 'probe-rtt');
  assert.equal(scene.state, 'startup');
});

test('A.22: an application limit during REFILL lowers no bandwidth, and UP follows', () => {
  const scene = new Scene(PATH).untilState(REFILL);
  const before = scene.model.maxBandwidth.value;
  scene.flow.setApplication({ bytes: 0, bytesPerSecond: 100_000 });
  scene.untilState(UP);
  assert.equal(scene.model.maxBandwidth.value, before);
  scene.flow.setApplication(UNLIMITED);
  scene.untilState(DOWN);
});
