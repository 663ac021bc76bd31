import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../../contract.ts';
import { QuicError, TransportError } from '../errors.ts';
import { PacketFlag } from './packet-flag.ts';
import { Space } from './recovery.ts';
import { ACK_ONLY, ackOf, DATA, Harness } from './testing/harness.ts';

const { initial, handshake, application } = Space;

function isViolation(error: unknown): boolean {
  return error instanceof QuicError && error.fault === 'remote' && error.code === TransportError.protocolViolation;
}

test('RFC 9002 §6.1.1: three packets later is lost, two are not', () => {
  const h = new Harness().confirm(50);
  for (let i = 0; i < 4; i++) h.send();
  h.nowMs += 50;
  h.ack(application, 0, [3, 3]);
  assert.deepEqual(h.notes.take(), ['acked 2:3'], 'packets 1 and 2 are two and one earlier');
  h.ack(application, 0, [3, 4]);
  assert.deepEqual(h.notes.take(), ['acked 2:4', 'lost 2:1']);
  assert.equal(h.recovery.bytesInFlight, 1200);
});

test('RFC 9002 §6.1.2: the time threshold is 9/8 of the larger of smoothed and latest RTT', () => {
  const h = new Harness().confirm(80);
  h.send();
  h.send();
  h.nowMs += 80;
  h.ack(application, 0, [2, 2]);
  assert.deepEqual(h.notes.take(), ['acked 2:2']);
  assert.equal(h.recovery.deadline(), 80_000 + 90_000, 'sent at 80 ms, lost 90 ms later');
  h.nowMs += 9.999;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'none');
  h.nowMs += 0.001;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'lost');
  assert.deepEqual(h.notes.take(), ['lost 2:1']);
  assert.equal(h.recovery.bytesInFlight, 0);
  assert.equal(h.recovery.deadline(), NEVER);
});

test('the time threshold is never below the timer granularity', () => {
  const h = new Harness().confirm(0.1);
  h.send();
  h.send();
  h.nowMs += 0.1;
  h.ack(application, 0, [2, 2]);
  assert.equal(h.recovery.deadline(), 100 + 1000);
});

test('a late acknowledgement of a lost packet is reported, once, and undoes the reduction', () => {
  const h = new Harness().confirm(50);
  const before = h.recovery.controller.congestionWindow;
  for (let i = 0; i < 5; i++) h.send();
  h.nowMs += 50;
  h.ack(application, 0, [4, 5]);
  assert.deepEqual(h.notes.take(), ['acked 2:4', 'acked 2:5', 'lost 2:1', 'lost 2:2']);
  assert.ok(h.recovery.controller.congestionWindow < before);
  h.nowMs += 1;
  h.ack(application, 0, [4, 5], [1, 1]);
  assert.deepEqual(h.notes.take(), ['acked 2:1']);
  assert.ok(h.recovery.controller.congestionWindow < before, 'packet 2 is still lost');
  h.ack(application, 0, [1, 5]);
  assert.deepEqual(h.notes.take(), ['acked 2:2', 'acked 2:3']);
  assert.ok(h.recovery.controller.congestionWindow >= before);
  h.ack(application, 0, [1, 5]);
  assert.deepEqual(h.notes.take(), []);
  assert.equal(h.recovery.stats.spuriousLosses, 2);
  assert.equal(h.recovery.bytesInFlight, 0);
});

test('adaptive reordering waits longer after a spurious loss', () => {
  const h = new Harness({ adaptiveReordering: true }).confirm(50);
  for (let i = 0; i < 6; i++) h.send();
  h.nowMs += 50;
  h.ack(application, 0, [6, 6]);
  assert.deepEqual(h.notes.take(), ['acked 2:6', 'lost 2:1', 'lost 2:2', 'lost 2:3']);
  h.ack(application, 0, [1, 6]);
  h.notes.take();
  for (let i = 0; i < 6; i++) h.send();
  h.nowMs += 50;
  h.ack(application, 0, [12, 12]);
  assert.deepEqual(h.notes.take(), ['acked 2:12'], 'a distance of 5 was spurious once');
});

test('adaptive reordering: how late a packet was, the next ones are waited for, at most a round trip', () => {
  const h = new Harness().confirm(50);
  const late = (afterMs: number): string[] => {
    const first = h.send();
    h.send();
    h.nowMs += 50;
    h.ack(application, 0, [first + 1, first + 1]);
    h.nowMs += afterMs;
    h.recovery.onTimeout(h.nowUs);
    const notes = h.notes.take().filter((note) => note.startsWith('lost'));
    h.ack(application, 0, [first, first + 1]);
    h.notes.take();
    return notes;
  };
  assert.equal(late(20).length, 1, 'lost after an eighth of a round trip');
  assert.deepEqual(late(20), [], '20 ms late was spurious once');
  assert.equal(late(80).length, 1, 'a round trip is all that is waited');
  assert.equal(late(80).length, 1);
});

test('packets that only acknowledge are settled without congestion', () => {
  const h = new Harness().confirm(50);
  const window = h.recovery.controller.congestionWindow;
  h.send(application, 50, ACK_ONLY);
  assert.equal(h.recovery.bytesInFlight, 0);
  assert.equal(h.recovery.deadline(), NEVER, 'nothing to wait for');
  h.send();
  h.nowMs += 50;
  h.ack(application, 0, [2, 2]);
  assert.deepEqual(h.notes.take(), ['acked 2:2', 'lost 2:1']);
  assert.ok(h.recovery.controller.congestionWindow >= window);
});

test('a flow of packets that only acknowledge does not fill memory', () => {
  const h = new Harness().confirm(50);
  for (let i = 0; i < 100_000; i++) h.send(application, 40, ACK_ONLY);
  assert.ok(h.recovery.sent(application).capacity <= 512);
  assert.ok(h.notes.take().every((note, i) => note === `lost 2:${i + 1}`));
});

test('RFC 9000 §13.1: an acknowledgement of what was not sent is a violation', () => {
  const h = new Harness().confirm(50);
  h.send();
  assert.throws(() => h.ack(application, 0, [0, 2]), isViolation);
  assert.throws(() => h.ack(initial, 0, [0, 0]), isViolation);
  assert.deepEqual(h.notes.take(), []);
  assert.equal(h.recovery.bytesInFlight, 1200);
});

test('RFC 9000 §21.4: an acknowledgement of a skipped number is a violation, also long after', () => {
  const h = new Harness().confirm(50);
  h.send(application, 1200, DATA, 1);
  h.send();
  h.nowMs += 50;
  assert.throws(() => h.ack(application, 0, [0, 3]), isViolation);
  assert.throws(() => h.ack(application, 0, [1, 1]), isViolation);
  h.ack(application, 0, [2, 3], [0, 0]);
  assert.deepEqual(h.notes.take(), ['acked 2:2', 'acked 2:3']);
  h.send();
  assert.throws(() => h.ack(application, 0, [0, 4]), isViolation);
  h.ack(application, 0, [2, 4]);
});

test('a skipped number does not count toward the packet threshold', () => {
  const h = new Harness().confirm(50);
  h.send();
  h.send(application, 1200, DATA, 1);
  h.send();
  h.nowMs += 50;
  h.ack(application, 0, [4, 4]);
  assert.deepEqual(h.notes.take(), ['acked 2:4'], '1 and 4 are two packets apart');
});

test('RFC 9002 §6.2.1: PTO = smoothed_rtt + max(4*rttvar, granularity) + max_ack_delay, doubled each time', () => {
  const h = new Harness().confirm(100);
  h.recovery.setPeerMaxAckDelay(25_000);
  h.send();
  const sentUs = h.nowUs;
  assert.equal(h.recovery.deadline(), sentUs + 100_000 + 200_000 + 25_000);
  h.nowMs += 325;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.equal(h.recovery.probesOwed(application), 2);
  assert.deepEqual(h.notes.take(), [], 'a probe timeout is no loss');
  assert.equal(h.recovery.deadline(), sentUs + 2 * 325_000);
  h.send();
  h.send();
  assert.equal(h.recovery.probesOwed(application), 0);
  assert.equal(h.recovery.deadline(), h.nowUs + 2 * 325_000, 'counts from the last ack-eliciting packet');
  h.nowMs += 100;
  h.ack(application, 0, [3, 3]);
  assert.equal(h.recovery.probeTimeouts, 0);
});

test('probe names the oldest unacknowledged packets, one after the other', () => {
  const h = new Harness().confirm(100);
  for (let i = 0; i < 3; i++) h.send();
  h.nowMs += 20;
  h.ack(application, 0, [1, 1]);
  h.notes.take();
  h.nowMs = h.recovery.deadline() / 1000;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.equal(h.recovery.probe(application), true);
  assert.equal(h.recovery.probe(application), true);
  assert.equal(h.recovery.probe(application), false);
  assert.deepEqual(h.notes.take(), ['probe 2:2', 'probe 2:3']);
});

test('RFC 9002 §6.2.1: no probe timeout for 1-RTT packets before the handshake is confirmed', () => {
  const h = new Harness();
  h.send(application);
  assert.equal(h.recovery.deadline(), NEVER);
  h.send(handshake);
  assert.equal(h.recovery.deadline(), 999_000, 'three times the initial RTT, without max_ack_delay');
  h.nowMs += 999;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.deepEqual(
    [initial, handshake, application].map((s) => h.recovery.probesOwed(s)),
    [0, 2, 0],
  );
});

test('RFC 9002 §6.2.4: other spaces with data in flight probe too', () => {
  const h = new Harness();
  h.send(initial);
  h.send(handshake);
  h.nowMs += 999;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.deepEqual(
    [initial, handshake, application].map((s) => h.recovery.probesOwed(s)),
    [2, 1, 0],
  );
});

test('RFC 9002 §6.2.2.1: a client keeps the server from a deadlock', () => {
  const h = new Harness({ isServer: false });
  assert.equal(h.recovery.deadline(), NEVER, 'nothing was sent');
  h.send(initial);
  h.nowMs += 50;
  h.ack(initial, 0, [0, 0]);
  assert.equal(h.recovery.bytesInFlight, 0);
  assert.equal(h.recovery.deadline(), h.nowUs + 50_000 + 100_000);
  h.nowMs += 150;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.equal(h.recovery.probesOwed(initial), 1);
  h.recovery.onHandshakeKeys();
  h.nowMs = h.recovery.deadline() / 1000;
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
  assert.equal(h.recovery.probesOwed(handshake), 1);
  assert.equal(h.recovery.probeTimeouts, 2);
  h.send(initial);
  h.ack(initial, 0, [1, 1]);
  assert.equal(h.recovery.probeTimeouts, 2, '§6.2.1: an ACK of Initial packets does not end the backoff');
  h.send(handshake);
  h.ack(handshake, 0, [0, 0]);
  assert.equal(h.recovery.probeTimeouts, 0);
  assert.equal(h.recovery.deadline(), NEVER);
});

test('RFC 9002 §6.2.2.1: 0-RTT packets alone in flight do not silence the client', () => {
  const h = new Harness({ isServer: false });
  h.send(initial);
  h.send(application);
  h.nowMs += 50;
  h.ack(initial, 0, [0, 0]);
  assert.notEqual(h.recovery.deadline(), NEVER);
});

test('a server that may send nothing has no probe timer', () => {
  const h = new Harness();
  h.send(initial);
  h.recovery.setAmplificationBlocked(true);
  assert.equal(h.recovery.deadline(), NEVER);
  h.nowMs += 5000;
  h.recovery.setAmplificationBlocked(false);
  assert.ok(h.recovery.deadline() < h.nowUs, 'overdue: executed at once');
  assert.equal(h.recovery.onTimeout(h.nowUs), 'probe');
});

test('RFC 9002 §6.4: discarding keys forgets packets, backoff and timers', () => {
  const h = new Harness();
  h.send(initial);
  h.send(handshake);
  h.nowMs += 999;
  h.recovery.onTimeout(h.nowUs);
  h.recovery.discardSpace(initial, h.nowUs);
  assert.equal(h.recovery.bytesInFlight, 1200);
  assert.equal(h.recovery.probeTimeouts, 0);
  assert.equal(h.recovery.probesOwed(initial), 0);
  h.recovery.discardSpace(handshake, h.nowUs);
  assert.equal(h.recovery.bytesInFlight, 0);
  assert.equal(h.recovery.deadline(), NEVER);
  assert.deepEqual(h.notes.take(), []);
});

test('RFC 9002 §6.3: Retry reports everything as lost and starts anew; numbers go on', () => {
  const h = new Harness({ isServer: false });
  h.send(initial);
  h.send(application);
  const before = h.recovery.controller;
  h.recovery.resetForRetry(h.nowUs);
  assert.deepEqual(h.notes.take(), ['lost 0:0', 'lost 2:0']);
  assert.equal(h.recovery.bytesInFlight, 0);
  assert.notEqual(h.recovery.controller, before);
  assert.equal(h.send(initial), 1);
});

test('rejected 0-RTT is reported as lost without congestion', () => {
  const h = new Harness({ isServer: false });
  const window = h.recovery.controller.congestionWindow;
  h.send(initial);
  h.send(application);
  h.send(application);
  h.recovery.rejectEarlyData(h.nowUs);
  assert.deepEqual(h.notes.take(), ['lost 2:0', 'lost 2:1']);
  assert.equal(h.recovery.bytesInFlight, 1200);
  assert.equal(h.recovery.controller.congestionWindow, window);
});

test('RFC 9000 §9.4: packets of the old path have no part in the new one', () => {
  const h = new Harness().confirm(50);
  for (let i = 0; i < 5; i++) h.send();
  h.recovery.onPathChange(1, h.nowUs);
  assert.equal(h.recovery.bytesInFlight, 0);
  const window = h.recovery.controller.congestionWindow;
  h.send();
  h.nowMs += 500;
  h.ack(application, 0, [4, 5]);
  assert.deepEqual(h.notes.take(), ['acked 2:4', 'acked 2:5', 'lost 2:1', 'lost 2:2', 'lost 2:3'], 'frames are told');
  assert.equal(h.recovery.rtt.hasSample, false);
  assert.equal(h.recovery.bytesInFlight, 1200);
  assert.equal(h.recovery.controller.congestionWindow, window);
  h.ack(application, 0, [6, 6]);
  assert.equal(h.recovery.rtt.latestUs, 500_000);
});

test('a packet on another path than the current one does not count', () => {
  const h = new Harness().confirm(50);
  h.send(application, 1200, DATA, 0, 7);
  assert.equal(h.recovery.bytesInFlight, 0);
  h.nowMs += 300;
  h.ack(application, 0, [1, 1]);
  assert.equal(h.recovery.rtt.latestUs, 50_000);
  assert.deepEqual(h.notes.take(), ['acked 2:1']);
});

test('the loss of an MTU probe is no congestion', () => {
  const h = new Harness().confirm(50);
  const window = h.recovery.controller.congestionWindow;
  const size = h.recovery.mtu.nextProbe(h.nowUs);
  h.send(application, size, DATA | PacketFlag.mtuProbe);
  assert.equal(h.recovery.bytesInFlight, size);
  for (let i = 0; i < 4; i++) h.send();
  h.nowMs += 50;
  h.ack(application, 0, [2, 5]);
  assert.equal(h.recovery.stats.packetsLost, 0);
  assert.ok(h.recovery.controller.congestionWindow >= window);
  assert.equal(h.recovery.bytesInFlight, 0);
  assert.equal(h.recovery.mtu.nextProbe(h.nowUs), size, 'and is tried again');
});

test('an acknowledged MTU probe raises the datagram size for controller and owner', () => {
  const h = new Harness().confirm(50);
  const size = h.recovery.mtu.nextProbe(h.nowUs);
  h.send(application, size, DATA | PacketFlag.mtuProbe);
  h.nowMs += 50;
  h.ack(application, 0, [1, 1]);
  assert.deepEqual(h.notes.mtus, [size]);
});

test('an increase of ECN-CE is a congestion event, without loss', () => {
  const h = new Harness().confirm(50);
  const window = h.recovery.controller.congestionWindow;
  h.send(application, 1200, DATA | PacketFlag.ecn);
  h.nowMs += 50;
  h.recovery.onAckReceived(application, { ...ackOf([1, 1]), hasEcn: true, ce: 1 }, 0, h.nowUs);
  assert.equal(h.recovery.controller.congestionWindow, window / 2);
  assert.equal(h.recovery.stats.ecnCe, 1);
});

test('a period with ECN-CE in it is not taken back, though all of its losses were spurious', () => {
  for (const marked of [false, true]) {
    const h = new Harness().confirm(50);
    const before = h.recovery.controller.congestionWindow;
    for (let i = 0; i < 6; i++) h.send(application, 1200, DATA | PacketFlag.ecn);
    h.nowMs += 50;
    const marks = { hasEcn: true, ect0: marked ? 0 : 1, ce: marked ? 1 : 0 };
    h.recovery.onAckReceived(application, { ...ackOf([6, 6]), ...marks }, 0, h.nowUs);
    assert.equal(h.recovery.stats.packetsLost, 3);
    const cut = h.recovery.controller.congestionWindow;
    assert.ok(cut < before);
    h.nowMs += 1;
    const counts = { ...marks, ect0: marked ? 5 : 6 };
    h.recovery.onAckReceived(application, { ...ackOf([1, 6]), ...counts }, 0, h.nowUs);
    assert.equal(h.recovery.stats.spuriousLosses, 3);
    assert.equal(h.recovery.controller.congestionWindow >= before, !marked);
  }
});

test('RFC 9002 §5.1: no RTT sample without a new largest, or without anything ack-eliciting', () => {
  const h = new Harness().confirm(50);
  h.send();
  h.send(application, 40, ACK_ONLY);
  h.nowMs += 60;
  h.ack(application, 0, [2, 2]);
  assert.equal(h.recovery.rtt.latestUs, 50_000, 'ACK-only');
  h.send();
  h.nowMs += 70;
  h.ack(application, 0, [3, 3]);
  assert.equal(h.recovery.rtt.latestUs, 70_000);
  h.nowMs += 1;
  h.ack(application, 0, [0, 3]);
  assert.equal(h.recovery.rtt.latestUs, 70_000, 'the largest is not new');
});

test('an ACK no later than what it acknowledges tells the controller nothing', () => {
  const h = new Harness().confirm(50);
  const { congestionWindow } = h.recovery.controller;
  for (const earlierMs of [0, 1]) {
    const number = h.send();
    h.nowMs -= earlierMs;
    h.ack(application, 0, [number, number]);
    h.nowMs += earlierMs;
  }
  assert.deepEqual(h.notes.take(), ['acked 2:1', 'acked 2:2']);
  assert.equal(h.recovery.controller.congestionWindow, congestionWindow);
  assert.equal(h.recovery.rtt.minUs, 50_000);
  assert.equal(h.recovery.bytesInFlight, 0);
});
