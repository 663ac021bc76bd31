import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from './budget.ts';
import { MeshError, MeshErrorCode } from './errors.ts';
import { majorityOf, probeIntervalUs, windowUs } from './options.ts';
import { Peer } from './peer.ts';
import { Latency } from './rtt.ts';
import type { Probe } from './wire/probe.ts';

test('error codes are those of SPEC.md: they are on the wire', () => {
  const codes = { none: 0, frame: 1, version: 2, member: 3, rate: 4, replaced: 5, internal: 6, stalled: 7 };
  assert.deepEqual({ ...MeshErrorCode }, codes);
  const error = new MeshError(MeshErrorCode.rate, 'remote', 'x');
  assert.deepEqual([error.code, error.fault, error.message], [4, 'remote', 'x']);
});

test('a budget has its burst, gets so much a second, and never more than the burst', () => {
  const budget = new Budget(500, 1000);
  assert.equal(budget.take(1000, 0), true);
  assert.equal(budget.take(1, 0), false);
  assert.equal(budget.take(1, 1999), false);
  assert.equal(budget.take(1, 2000), true, '2 ms are one of 500');
  assert.equal(budget.take(1, 1000), false, 'a clock that goes back gives nothing');
  assert.equal(budget.take(1, 3999), false);
  assert.equal(budget.take(1001, 1e9), false);
  assert.equal(budget.take(1000, 1e9), true);
});

test('probes come 25 times a second, less often where members are so many that 3000 a second would not do', () => {
  assert.deepEqual([1, 2, 121, 122, 1000].map(probeIntervalUs), [40_000, 40_000, 40_000, 40_333.333333333336, 333_000]);
});

test('a member may be silent for 150 ms, three round trips or three probes, whichever is longest, and 3 s at most', () => {
  const cases: readonly (readonly [number | undefined, number, number])[] = [
    [undefined, 40_000, 1_000_000],
    [0, 40_000, 150_000],
    [50_000, 40_000, 150_000],
    [50_001, 40_000, 150_003],
    [1000, 50_000, 150_000],
    [1000, 50_001, 150_003],
    [999_999, 40_000, 2_999_997],
    [2_000_000, 40_000, 3_000_000],
    [66_666.6, 40_000, 200_000],
  ];
  for (const [rttUs, intervalUs, expected] of cases) assert.equal(windowUs(rttUs, intervalUs), expected, `${rttUs}`);
});

test('a majority is more than half, ourselves included', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 100].map(majorityOf), [1, 2, 2, 3, 3, 51]);
});

test('RFC 6298 §2: the first sample is the round trip, its half the deviation; each next one counts an eighth and a quarter', () => {
  const latency = new Latency();
  assert.deepEqual([latency.smoothedUs, latency.deviationUs, latency.loss], [undefined, 0, 0]);
  latency.sample(8000);
  assert.deepEqual([latency.smoothedUs, latency.deviationUs], [8000, 4000]);
  latency.sample(16_000);
  assert.deepEqual([latency.smoothedUs, latency.deviationUs], [9000, 5000]);
  latency.sample(1000);
  assert.deepEqual([latency.smoothedUs, latency.deviationUs], [8000, 5750]);
});

test('what is missing between two probes is lost; what comes late or twice is not counted; numbers go round', () => {
  const latency = new Latency();
  assert.equal(latency.arrived(2 ** 32 - 2), true);
  assert.equal(latency.arrived(2 ** 32 - 1), true);
  assert.equal(latency.loss, 0);
  assert.equal(latency.arrived(0), true, 'the next one');
  assert.equal(latency.loss, 0);
  assert.equal(latency.arrived(0), false);
  assert.equal(latency.arrived(2 ** 32 - 1), false);
  assert.equal(latency.arrived(2), true);
  assert.equal(latency.loss, (1 / 32) * (31 / 32));
  latency.restart();
  assert.equal(latency.arrived(1), true, 'the other side counts anew');
  for (let i = 2; i < 1000; i++) latency.arrived(i);
  assert.ok(latency.loss < 1e-6);
  for (let i = 1; i < 200; i++) latency.arrived(1000 + 10 * i);
  assert.ok(latency.loss > 0.85 && latency.loss < 0.95, `${latency.loss}: nine of ten are lost`);
});

const probe = (sequence: number, more: Partial<Probe> = {}): Probe => ({
  ...{ sequence, sentUs: 5, windowUs: 150_000, grants: false, unheard: [] },
  ...more,
});

test('a probe tells of a member; an echo that cannot be is not measured', () => {
  const peer = new Peer(7);
  assert.deepEqual(
    [peer.member, peer.isLinked, peer.isReady, peer.heardAt],
    [7, false, false, Number.NEGATIVE_INFINITY],
  );
  peer.link(1000);
  assert.deepEqual([peer.isLinked, peer.isReady, peer.nextAt, peer.probeAt], [true, false, 1000, 1000]);
  peer.version = 1;
  assert.equal(peer.isReady, true);
  assert.equal(peer.take(probe(1, { announces: true }), 2000), true);
  assert.deepEqual([peer.heardAt, peer.announces, peer.lastProbe], [2000, true, { sentUs: 5, at: 2000 }]);
  assert.equal(peer.latency.smoothedUs, undefined);
  for (const [sequence, echo] of [
    [2, { sentUs: 1000, delayUs: 1001 }],
    [3, { sentUs: 2001, delayUs: 0 }],
  ] as const) {
    assert.equal(peer.take(probe(sequence, { echo }), 2000), true);
    assert.equal(peer.latency.smoothedUs, undefined);
  }
  assert.equal(peer.announces, false);
  assert.equal(peer.take(probe(3), 9000), false, 'twice');
  assert.equal(peer.heardAt, 2000);
  peer.take(probe(4, { echo: { sentUs: 1000, delayUs: 400 } }), 2000);
  assert.equal(peer.latency.smoothedUs, 600);
  peer.take(probe(5, { echo: { sentUs: 2000, delayUs: 0 } }), 2000);
  assert.equal(peer.latency.smoothedUs, 525, 'nothing is a round trip too');
  peer.unlink();
  assert.deepEqual([peer.isLinked, peer.isReady], [false, false]);
  peer.link(3000);
  assert.equal(peer.take(probe(1), 3000), true, 'a new link counts anew');
});
