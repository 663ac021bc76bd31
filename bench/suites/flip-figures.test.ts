import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlipReport } from '#pop-worker/testing/flip/client.ts';
import { meetsBar } from '#telemetry/measurement.ts';
import { type FlipTold, flipFigures } from './flip-figures.ts';

const told = (report: Partial<FlipReport>, more: Partial<FlipTold> = {}): FlipTold => ({
  flips: [
    { ms: 1000, to: 'b' },
    { ms: 2000, to: 'a' },
  ],
  ...{ meshRttMs: 1, handed: 1, judgesLatency: true, wantsEarly: false },
  ...more,
  report: {
    ...{ sentMs: [500, 1500], rttMs: [10, 11.5], lost: [], ended: [], payloadBytes: 1400, opened: [], failed: [] },
    ...report,
  },
});
const figure = (from: FlipTold, metric: string) =>
  flipFigures(from).find((one) => one.metric === metric) ?? assert.fail(metric);
const passes = (from: FlipTold, metric: string): boolean => {
  const { value, bar } = figure(from, metric);
  return bar === undefined ? assert.fail(metric) : meetsBar(value, bar);
};

test('what was sent while the route led away is compared with what was sent at home', () => {
  const all = told({ sentMs: [500, 998, 1002, 1500, 1996, 2500], rttMs: [10, 99, 99, 12.5, 99, 10.2] });
  assert.equal(figure(all, 'rtt_home_p50').value, 10.2);
  assert.equal(figure(all, 'rtt_away_p99').value, 12.5);
  assert.ok(Math.abs(figure(all, 'added_latency_p99').value - 2.3) < 1e-9);
  assert.ok(passes(all, 'added_latency_p99'));
  assert.ok(!passes(told({ rttMs: [10, 13.1] }), 'added_latency_p99'));
});

test('latency is not judged where it is said so', () => {
  assert.equal(figure(told({}, { judgesLatency: false }), 'added_latency_p99').bar, undefined);
});

test('a connection may lose one packet a flip', () => {
  const lost = (...ms: number[]) => told({ lost: ms.map((one) => ({ connection: 3, ms: one })) });
  assert.ok(passes(lost(1001, 1999), 'lost_a_flip_and_connection'));
  assert.ok(!passes(lost(1001, 1400), 'lost_a_flip_and_connection'));
});

test('connections that ended or never began are told', () => {
  assert.ok(!passes(told({ ended: ['reset'] }), 'connections_ended'));
  assert.ok(!passes(told({ failed: ['idle'] }), 'handshakes_failed'));
  const opened = [
    { ms: 990, tookMs: 20, early: 'accepted' },
    { ms: 1010, tookMs: 20, early: 'rejected' },
  ];
  assert.equal(figure(told({ opened }), 'handshakes_met_by_a_flip').value, 1);
  assert.equal(figure(told({ opened }), 'handshakes_with_early_data').value, 1);
  const wanted = (times: number) => told({ opened: Array(times).fill(opened).flat() }, { wantsEarly: true });
  assert.ok(passes(wanted(20), 'handshakes_with_early_data'));
  assert.ok(!passes(wanted(19), 'handshakes_with_early_data'));
});

test('without a packet that took the other way there are no figures', () => {
  assert.throws(() => flipFigures(told({}, { handed: 0 })), /other way/);
  assert.throws(() => flipFigures(told({ sentMs: [500], rttMs: [1] })), /other way/);
});
