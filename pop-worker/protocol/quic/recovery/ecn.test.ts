import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AckFrame } from './ack-frame.ts';
import { ECT0, type EcnCounts, EcnValidation, NOT_ECT } from './ecn.ts';
import { PacketFlag } from './packet-flag.ts';
import { Space } from './recovery.ts';
import { recoveryStats } from './sink.ts';
import { ackOf, DATA, Harness } from './testing/harness.ts';

const report = (ect0: number, ce = 0, ect1 = 0): AckFrame => ({ ...ackOf([0, 0]), hasEcn: true, ect0, ect1, ce });
const silent = (): AckFrame => ackOf([0, 0]);

/** A path on which so many marked packets were sent. */
const sent = (packets: number): [EcnValidation, EcnCounts] => {
  const ecn = new EcnValidation(true, recoveryStats());
  const counts = { marked: 0, ect0: 0, ce: 0 };
  for (let i = 0; i < packets; i++) ecn.onSent(counts);
  return [ecn, counts];
};

test('RFC 9000 §A.4: ten packets are marked, then none until the marks are known to arrive', () => {
  const [ecn, counts] = sent(9);
  assert.deepEqual([ecn.state, ecn.codepoint], ['testing', ECT0]);
  ecn.onSent(counts);
  assert.deepEqual([ecn.state, ecn.codepoint], ['unknown', NOT_ECT]);
  assert.equal(ecn.onAck(counts, report(3), 3, true), 0);
  assert.deepEqual([ecn.state, ecn.codepoint], ['capable', ECT0]);
});

test('a path that is known to bear marks at the end of the test goes on without a pause', () => {
  const [ecn, counts] = sent(4);
  ecn.onAck(counts, report(4), 4, true);
  assert.equal(ecn.state, 'testing');
  for (let i = 0; i < 6; i++) ecn.onSent(counts);
  assert.equal(ecn.state, 'capable');
});

test('growth of ECN-CE is told once', () => {
  const [ecn, counts] = sent(20);
  assert.equal(ecn.onAck(counts, report(8, 2), 10, true), 2);
  assert.equal(ecn.onAck(counts, report(13, 2), 5, true), 0);
  assert.equal(ecn.onAck(counts, report(14, 6), 5, true), 4);
});

for (const [what, frame, newlyAcked] of [
  ['no counts though a marked packet arrived', silent(), 1],
  ['fewer marks than marked packets that arrived', report(4), 5],
  ['ECT(1), which was never sent', report(5, 0, 1), 5],
  ['more marks than were sent', report(11), 10],
  ['more CE than packets were marked', report(5, 6), 5],
  ['counts that fall', report(0, 3), 0],
] as const) {
  test(`RFC 9000 §13.4.2.1: marking ends for good on ${what}`, () => {
    const [ecn, counts] = sent(10);
    ecn.onAck(counts, report(2), 2, true);
    assert.equal(ecn.state, 'capable');
    assert.equal(ecn.onAck(counts, frame, newlyAcked, true), 0);
    assert.deepEqual([ecn.state, ecn.codepoint], ['failed', NOT_ECT]);
    assert.equal(ecn.onAck(counts, report(10), 8, true), 0);
    assert.equal(ecn.state, 'failed');
  });
}

test('RFC 9000 §13.4.2.1: an ACK that came late proves nothing', () => {
  const [ecn, counts] = sent(10);
  ecn.onAck(counts, report(6), 6, true);
  ecn.onAck(counts, report(2), 4, false);
  ecn.onAck(counts, silent(), 1, false);
  assert.equal(ecn.state, 'capable');
});

test('RFC 9000 §13.4.2: the loss of everything that was marked ends marking', () => {
  const [ecn] = sent(10);
  for (let i = 0; i < 9; i++) ecn.onLost();
  assert.equal(ecn.state, 'unknown');
  ecn.onLost();
  assert.equal(ecn.state, 'failed');
});

test('a probe timeout before anything was acknowledged lets the next packets go unmarked', () => {
  const [ecn, counts] = sent(2);
  ecn.onProbeTimeout();
  assert.equal(ecn.codepoint, NOT_ECT);
  ecn.onAck(counts, report(1), 1, true);
  assert.equal(ecn.state, 'capable', 'it was another loss');
  ecn.onProbeTimeout();
  assert.equal(ecn.state, 'capable');
});

test('RFC 9000 §A.4: CE on everything is no congestion', () => {
  const [ecn, counts] = sent(10);
  assert.equal(ecn.onAck(counts, report(0, 10), 10, true), 0);
  assert.equal(ecn.state, 'failed');
});

test('nothing is marked when it is off, whatever the peer reports', () => {
  const ecn = new EcnValidation(false, recoveryStats());
  assert.equal(ecn.onAck({ marked: 0, ect0: 0, ce: 0 }, report(3, 3), 0, true), 0);
  assert.deepEqual([ecn.state, ecn.codepoint], ['off', NOT_ECT]);
});

test('whatever an honest path does, its counts are never found wrong, and every CE is told at most once', () => {
  const packet = fc.record({ ce: fc.boolean(), acked: fc.boolean() });
  fc.assert(
    fc.property(fc.array(fc.array(packet, { maxLength: 6 }), { maxLength: 30 }), (flights) => {
      const [ecn, counts] = sent(0);
      let [ect0, ce, told, all] = [0, 0, 0, 0];
      for (const flight of flights) {
        const marks = ecn.codepoint === ECT0;
        let acked = 0;
        for (const one of flight) {
          if (!marks) continue;
          ecn.onSent(counts);
          if (!one.acked) continue;
          acked++;
          if (one.ce) ce++;
          else ect0++;
        }
        all += acked;
        told += ecn.onAck(counts, ect0 + ce === 0 ? silent() : report(ect0, ce), acked, true);
        assert.ok(told <= ce);
        if (ecn.state === 'failed') assert.equal(ce, all);
      }
    }),
  );
});

test('RFC 9000 §13.4.2: each path is tested anew, and packets of the former one do not count', () => {
  const h = new Harness().confirm(50);
  const mark = (packets: number) => {
    for (let i = 0; i < packets; i++) h.send(Space.application, 1200, DATA | PacketFlag.ecn);
  };
  mark(3);
  h.nowMs += 50;
  h.ack(Space.application, 0, [0, 1]);
  assert.equal(h.recovery.ecn.state, 'failed', 'the frame has no counts');
  assert.deepEqual([h.recovery.stats.ecnCapable, h.recovery.stats.ecnFailed], [0, 1]);
  h.recovery.onPathChange(1, h.nowUs);
  assert.equal(h.recovery.ecn.state, 'testing');
  h.ack(Space.application, 0, [0, 3]);
  assert.equal(h.recovery.ecn.state, 'testing');
});
