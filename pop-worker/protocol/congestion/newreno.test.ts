import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { initialWindow, minimumWindow } from './controller.ts';
import { NewReno } from './newreno.ts';
import { type RateSample, RateSampler } from './rate-sampler.ts';
import { controllerNamed, controllerNames, DEFAULT_CONTROLLER } from './registry.ts';

const MTU = 1200;
const make = (): NewReno => new NewReno({ maxDatagramBytes: MTU, random: () => 0.5 });

const sampleOf = (over: Partial<RateSample>): RateSample => ({
  ...new RateSampler().sample,
  smoothedRttUs: 100_000,
  minRttUs: 100_000,
  txInFlight: 1e9,
  ...over,
});

const ack = (reno: NewReno, now: number, bytes: number, over: Partial<RateSample> = {}): void =>
  reno.onAck(now, sampleOf({ newlyAcked: bytes, ackedOutsideRecovery: bytes, largestSentTime: now - 1, ...over }), 0);

test('RFC 9002 §7.2: the initial window', () => {
  assert.equal(initialWindow(1200), 12_000);
  assert.equal(initialWindow(1472), 14_720);
  assert.equal(initialWindow(9000), 18_000);
  assert.equal(minimumWindow(1200), 2400);
  assert.equal(make().congestionWindow, 12_000);
});

test('RFC 9002 §7.3.1: slow start grows by what is acknowledged', () => {
  const reno = make();
  ack(reno, 10, 3600);
  assert.equal(reno.congestionWindow, 15_600);
  assert.equal(reno.state, 'slow-start');
});

test('RFC 9002 §7.3.2: recovery halves once, and ends with a packet sent during it', () => {
  const reno = make();
  reno.onCongestionEvent(1000, 1200, 900);
  assert.equal(reno.congestionWindow, 6000);
  assert.equal(reno.slowStartThreshold, 6000);
  assert.equal(reno.state, 'recovery');
  reno.onCongestionEvent(1100, 1200, 1000);
  assert.equal(reno.congestionWindow, 6000, 'sent before recovery began');
  ack(reno, 1200, 0, { largestSentTime: 1000 });
  assert.equal(reno.state, 'recovery');
  ack(reno, 1300, 1200, { largestSentTime: 1001 });
  assert.equal(reno.state, 'congestion-avoidance');
  reno.onCongestionEvent(1400, 1200, 1001);
  assert.equal(reno.congestionWindow, 3000);
});

test('RFC 9002 §7.3.3: one datagram for each window that is acknowledged', () => {
  const reno = make();
  reno.onCongestionEvent(1000, 1200, 900);
  for (let i = 0; i < 4; i++) ack(reno, 2000 + i, 1200);
  assert.equal(reno.congestionWindow, 6000);
  ack(reno, 2010, 1200);
  assert.equal(reno.congestionWindow, 7200);
});

test('slow start does not overshoot the threshold', () => {
  const reno = make();
  reno.onCongestionEvent(1000, 1200, 900);
  reno.onPersistentCongestion(1001);
  assert.equal(reno.congestionWindow, 2400);
  assert.equal(reno.state, 'slow-start');
  ack(reno, 2000, 5000);
  assert.equal(reno.congestionWindow, 6000, 'the rest counts in congestion avoidance');
});

test('RFC 9002 §B.8: persistent congestion ends the recovery period, even for what was sent before it', () => {
  const reno = make();
  reno.onCongestionEvent(1000, 1200, 999);
  reno.onPersistentCongestion(1001);
  assert.equal(reno.state, 'slow-start');
  reno.onCongestionEvent(1002, 1200, 500);
  assert.deepEqual([reno.state, reno.recoveryStartTime], ['recovery', 1002]);
});

test('RFC 9002 §7.2: never below two datagrams', () => {
  const reno = make();
  for (let i = 1; i < 20; i++) reno.onCongestionEvent(i * 1000, 1200, i * 1000 - 1);
  assert.equal(reno.congestionWindow, 2400);
});

test('RFC 9002 §7.8: an underutilized window does not grow', () => {
  const reno = make();
  ack(reno, 10, 1200, { isAppLimited: true, txInFlight: 2400, priorInFlight: 2400 });
  assert.equal(reno.congestionWindow, 12_000);
  ack(reno, 10, 1200, { isAppLimited: true, txInFlight: 6000, priorInFlight: 2400 });
  assert.equal(reno.congestionWindow, 13_200, 'slow start may double what was in use');
  ack(reno, 10, 1200, { isAppLimited: false, txInFlight: 1200, priorInFlight: 1200 });
  assert.equal(reno.congestionWindow, 14_400, 'the pacer held it back, not the application');
});

test('a spurious loss is undone', () => {
  const reno = make();
  reno.onCongestionEvent(1000, 1200, 900);
  reno.onSpuriousLoss(1100);
  assert.equal(reno.congestionWindow, 12_000);
  assert.equal(reno.state, 'slow-start');
});

test('RFC 9002 §7.7: the pacing rate is a window a round trip, and more', () => {
  const reno = make();
  assert.equal(reno.pacingRate, Number.POSITIVE_INFINITY);
  ack(reno, 10, 1200);
  assert.equal(reno.pacingRate, (2 * 13_200) / 0.1);
  reno.onCongestionEvent(1000, 1200, 900);
  assert.equal(reno.pacingRate, (1.25 * 6600) / 0.1);
  assert.equal(reno.sendQuantum, 2400);
  ack(reno, 2000, 0, { smoothedRttUs: 10 });
  assert.equal(reno.sendQuantum, 65_536);
});

test('a new MTU changes the initial window only before anything is sent', () => {
  const reno = make();
  reno.onMtuChange(1452);
  assert.equal(reno.congestionWindow, 14_520);
  reno.onPacketSent(0, 1200, 1200);
  reno.onMtuChange(1200);
  assert.equal(reno.congestionWindow, 14_520);
});

test('the registry knows its names and no others', () => {
  assert.ok(controllerNames().includes(DEFAULT_CONTROLLER));
  for (const name of controllerNames()) {
    assert.equal(controllerNamed(name)({ maxDatagramBytes: MTU, random: () => 0 }).name, name);
  }
  assert.throws(() => controllerNamed('toString'), RangeError);
});

test('whatever happens, window, rate and quantum stay within their bounds', () => {
  const action = fc.oneof(
    fc.record({ acked: fc.nat(100_000), limited: fc.boolean(), rtt: fc.integer({ min: 1, max: 5_000_000 }) }),
    fc.constantFrom('loss', 'old-loss', 'persistent', 'spurious', 'mtu' as const),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 100, size: 'max' }), (actions) => {
      const reno = make();
      let now = 1000;
      let mtu = MTU;
      for (const what of actions) {
        now += 1000;
        if (typeof what === 'object') {
          ack(reno, now, what.acked, { isAppLimited: what.limited, txInFlight: 0, smoothedRttUs: what.rtt });
        } else if (what === 'loss') reno.onCongestionEvent(now, 1200, now - 1);
        else if (what === 'old-loss') reno.onCongestionEvent(now, 1200, 0);
        else if (what === 'persistent') reno.onPersistentCongestion(now);
        else if (what === 'spurious') reno.onSpuriousLoss(now);
        else {
          mtu = mtu === MTU ? 1452 : MTU;
          reno.onMtuChange(mtu);
        }
        assert.ok(reno.congestionWindow >= 2 * mtu);
        assert.ok(reno.pacingRate > 0);
        assert.ok(reno.sendQuantum > 0 && reno.sendQuantum <= 65_536);
      }
    }),
  );
});
