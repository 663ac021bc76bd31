import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketFlag } from './packet-flag.ts';
import { Space } from './recovery.ts';
import { Harness } from './testing/harness.ts';

const { application } = Space;

/** The example's table, behind enough steady samples that smoothed_rtt + max(4*rttvar, granularity) is 2 s. */
function persistentExample(probeAt: number): Harness {
  const h = new Harness();
  h.recovery.onHandshakeConfirmed();
  h.recovery.setPeerMaxAckDelay(0);
  for (let i = 0; i < 60; i++) {
    const number = h.send();
    h.nowMs += 2000;
    h.ack(application, 0, [number, number]);
  }
  assert.equal(Math.round(h.recovery.ptoUs(application) / 2000), 1001);
  const start = h.nowMs;
  for (const t of [1, 2, 3, 4, 5, 6, probeAt, 12]) {
    h.nowMs = start + t * 1000;
    h.send();
  }
  h.nowMs += 2000;
  h.ack(application, 0, [67, 67]);
  assert.equal(h.recovery.stats.packetsLost, 7, 'packets 2 to 8 of the example');
  return h;
}

test('RFC 9002 §7.6.3: the example of persistent congestion', () => {
  const h = persistentExample(8);
  assert.equal(h.recovery.stats.persistentCongestions, 1);
  assert.equal(h.recovery.controller.congestionWindow, 2400);
  assert.equal(h.recovery.controller.state, 'slow-start');
});

test('RFC 9002 §7.6.1: a shorter period is not persistent congestion', () => {
  const h = persistentExample(7);
  assert.equal(h.recovery.stats.persistentCongestions, 0);
  assert.ok(h.recovery.controller.congestionWindow > 2400);
});

test('RFC 9002 §5.2: after persistent congestion the newest sample is the minimum', () => {
  const h = new Harness().confirm(100);
  h.nowMs += 1;
  h.send();
  h.nowMs += 20_000;
  h.send();
  h.nowMs += 20_000;
  const last = h.send();
  h.nowMs += 400;
  h.ack(application, 0, [last, last]);
  assert.equal(h.recovery.stats.persistentCongestions, 1);
  assert.equal(h.recovery.rtt.minUs, 400_000);
});

for (const elicits of [true, false]) {
  test(`RFC 9002 §7.6.2: ${elicits ? 'losses of what elicits ACKs count' : 'losses of what elicits no ACK do not'}`, () => {
    const h = new Harness().confirm(100);
    h.nowMs += 1;
    h.send(application, 1200, elicits ? PacketFlag.ackEliciting | PacketFlag.inFlight : PacketFlag.inFlight);
    h.nowMs += 20_000;
    h.send(application, 1200, elicits ? PacketFlag.ackEliciting | PacketFlag.inFlight : PacketFlag.inFlight);
    h.nowMs += 1000;
    const last = h.send();
    h.nowMs += 400;
    h.ack(application, 0, [last, last]);
    assert.equal(h.recovery.stats.packetsLost, 2);
    assert.equal(h.recovery.stats.persistentCongestions, elicits ? 1 : 0);
  });
}

test('RFC 9002 §7.6.2: an acknowledgement in between breaks the period', () => {
  const h = new Harness().confirm(100);
  const pto = h.recovery.ptoUs(application) / 1000;
  h.nowMs += 1;
  h.send(); // 1
  h.nowMs += pto * 2;
  h.send(); // 2
  h.nowMs += pto * 2;
  h.send(); // 3
  h.send(); // 4
  h.nowMs += 100;
  h.ack(application, 0, [4, 4], [2, 2]);
  h.nowMs += 1000;
  h.recovery.onTimeout(h.nowUs);
  assert.equal(h.recovery.stats.packetsLost, 2, '1 and 3');
  assert.equal(h.recovery.stats.persistentCongestions, 0);
});

for (const [late, times] of [
  [true, 0],
  [false, 1],
] as const) {
  test(`RFC 9002 §7.6.2: ${late ? 'a late acknowledgement breaks the period too' : 'without one it stands'}`, () => {
    const h = new Harness().confirm(100);
    h.nowMs += 1;
    h.send(); // 1
    h.send(); // 2
    h.nowMs += 1100;
    for (let i = 0; i < 3; i++) h.send(); // 3 to 5
    h.nowMs += 100;
    h.ack(application, 0, [4, 5]);
    assert.equal(h.recovery.stats.packetsLost, 2);
    if (late) h.ack(application, 0, [4, 5], [2, 2]);
    h.nowMs = h.recovery.deadline() / 1000;
    h.recovery.onTimeout(h.nowUs);
    assert.equal(h.recovery.stats.packetsLost, 3);
    assert.equal(h.recovery.stats.persistentCongestions, times);
  });
}

test('RFC 9002 §7.6.2: losses before the first RTT sample are not persistent congestion', () => {
  const h = new Harness();
  h.recovery.onHandshakeConfirmed();
  for (let i = 0; i < 30; i++) {
    h.send();
    h.nowMs += 1000;
  }
  h.ack(application, 0, [29, 29]);
  assert.equal(h.recovery.stats.packetsLost, 29);
  assert.ok(3 * h.recovery.ptoUs(application) < 20_000_000, 'with a sample before, it would be');
  assert.equal(h.recovery.stats.persistentCongestions, 0);
});
