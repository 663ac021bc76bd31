import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../../contract.ts';
import { Space } from './recovery.ts';
import { Harness } from './testing/harness.ts';

const { initial, handshake, application } = Space;

test('a server whose window holds its handshake back has a probe timer, though only 1-RTT data is in flight', () => {
  const h = new Harness();
  h.send(application);
  assert.equal(h.recovery.deadline(), NEVER);
  h.recovery.setHeld(handshake, true);
  assert.equal(h.recovery.deadline(), h.nowUs + 999_000);
  h.nowMs += 999;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.equal(h.recovery.probesOwed(handshake), 1);
  h.send(handshake);
  h.recovery.setHeld(handshake, false);
  h.recovery.setHeld(initial, true);
  h.nowMs = h.recovery.deadline() / 1000;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.equal(h.recovery.probesOwed(initial), 1, 'held beside what is in flight');
});

test('RFC 9002 §6.2.1: of Initial and Handshake packets in flight the earlier ones count', () => {
  const h = new Harness();
  h.send(initial);
  h.nowMs += 100;
  h.send(handshake);
  assert.equal(h.recovery.deadline(), 999_000);
  h.ack(initial, 0, [0, 0]);
  const { ptoBaseUs } = h.recovery.rtt;
  assert.equal(h.recovery.deadline(), 100_000 + ptoBaseUs);
});

test('RFC 9002 §6.2.1: no probe timeout while the time threshold is waited for', () => {
  const h = new Harness().confirm(100);
  h.nowMs += 1;
  const first = h.send();
  h.nowMs += 1;
  const second = h.send();
  const pto = h.recovery.deadline();
  h.nowMs += 100;
  h.ack(application, 0, [second, second]);
  const lossTime = h.recovery.deadline();
  assert.ok(lossTime < pto);
  h.nowMs = lossTime / 1000;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'lost');
  assert.equal(h.recovery.probesOwed(application), 0);
  assert.equal(h.recovery.stats.packetsLost, 1);
  assert.equal(first + 1, second);
});
