import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Closer } from './close.ts';
import { EarlyPackets } from './early-packets.ts';
import { IdleTimer } from './idle.ts';
import { Validation } from './paths/validation.ts';
import { SeededRandom } from './testing/random.ts';

const NEVER = Number.POSITIVE_INFINITY;
const reason = { application: true, code: 1, frameType: 0, reason: '' };
const local = { by: 'local', application: true, code: 1, reason: '' } as const;
const remote = { by: 'remote', application: false, code: 2, reason: '' } as const;

describe('closer', () => {
  it('goes from open over closing to closed', () => {
    const closer = new Closer();
    closer.close(reason, local, 300);
    assert.equal(closer.phase, 'closing');
    assert.equal(closer.deadline(), NEVER);
    closer.start(1000);
    closer.start(2000);
    assert.equal(closer.deadline(), 1300);
    closer.onTimeout(1299);
    assert.equal(closer.phase, 'closing');
    closer.onTimeout(1300);
    assert.equal(closer.phase, 'closed');
    assert.equal(closer.deadline(), NEVER);
  });

  it('drains from closing without a new period', () => {
    const closer = new Closer();
    closer.close(reason, local, 300);
    closer.start(1000);
    closer.drain(remote, 999);
    closer.start(1100);
    assert.equal(closer.phase, 'draining');
    assert.equal(closer.deadline(), 1300);
    assert.equal(closer.pending, false);
    assert.equal(closer.info, local);
  });

  it('is not opened again, nor told twice', () => {
    const closer = new Closer();
    closer.drain(remote, 1);
    closer.close(reason, local, 300);
    assert.equal(closer.phase, 'draining');
    closer.discard(local);
    closer.drain(remote, 1);
    assert.equal(closer.phase, 'closed');
    assert.equal(closer.info, remote);
  });
});

describe('idle timer', () => {
  it('goes by the smaller value, and none is none', () => {
    const cases = [
      [0, 0, 0],
      [5, 0, 5],
      [0, 7, 7],
      [5, 7, 5],
      [9, 7, 7],
    ] as const;
    for (const [ours, theirs, counts] of cases) {
      const timer = new IdleTimer(0, ours, 0);
      timer.setPeerTimeout(theirs);
      assert.equal(timer.timeoutUs, counts);
      assert.equal(timer.deadline(0), counts === 0 ? NEVER : counts);
    }
  });

  it('starts anew with what arrives, and with the first packet that elicits an answer since', () => {
    const timer = new IdleTimer(0, 1000, 0);
    timer.onAckElicitingSent(100);
    timer.onAckElicitingSent(200);
    assert.equal(timer.deadline(0), 1100);
    timer.onReceived(300);
    assert.equal(timer.deadline(0), 1300);
    timer.onAckElicitingSent(400);
    assert.equal(timer.deadline(0), 1400);
  });

  it('waits three probe timeouts at least', () => {
    assert.equal(new IdleTimer(0, 1000, 0).deadline(500), 1500);
  });

  it('asks for a sign of life once, until one comes', () => {
    const timer = new IdleTimer(0, 1000, 300);
    assert.equal(timer.keepAliveDeadline(), 300);
    timer.onAckElicitingSent(300);
    assert.equal(timer.keepAliveDeadline(), NEVER);
    timer.onReceived(350);
    assert.equal(timer.keepAliveDeadline(), 650);
  });

  it('asks sooner where packets came all the time and none comes any more, then ever later', () => {
    const ms = 1000;
    const timer = new IdleTimer(0, 30_000 * ms, 1000 * ms);
    for (let at = 10; at <= 2000; at += 10) timer.onReceived(at * ms);
    assert.equal(timer.keepAliveDeadline(), 2100 * ms);
    timer.onAckElicitingSent(2100 * ms);
    assert.equal(timer.keepAliveDeadline(), NEVER);
    timer.onReceived(2120 * ms);
    assert.equal(timer.keepAliveDeadline(), 2480 * ms, 'three times the gap of 120 ms');
    timer.onReceived(2500 * ms);
    assert.equal(timer.keepAliveDeadline(), 3500 * ms, 'no later than the keep-alive');
    for (let at = 2510; at <= 5000; at += 10) timer.onReceived(at * ms);
    assert.equal(timer.keepAliveDeadline(), 5100 * ms, 'gaps of long ago count no more');
  });
});

describe('early packets', () => {
  it('are bounded in number and bytes, and given back by level in order', () => {
    const early = new EarlyPackets(3, 100);
    assert.ok(early.push(2, 0, new Uint8Array(40), 0, 40));
    assert.ok(!early.push(2, 0, new Uint8Array(70), 0, 70));
    assert.ok(early.push(3, 1, Uint8Array.of(5), 0, 1));
    assert.ok(early.push(2, 0, Uint8Array.of(6), 0, 1));
    assert.ok(!early.push(3, 0, Uint8Array.of(7), 0, 1));
    assert.equal(early.take((level) => level === 3)?.bytes[0], 5);
    assert.equal(
      early.take((level) => level === 3),
      undefined,
    );
    assert.equal(early.take(() => true)?.bytes.length, 40);
    assert.equal(early.take(() => true)?.bytes[0], 6);
    assert.equal(early.count, 0);
  });
});

describe('path validation', () => {
  const random = new SeededRandom(1);

  it('sends three challenges at most, ever more slowly, and fails after three PTO', () => {
    const validation = new Validation();
    const sent: number[] = [];
    validation.start(0, 100);
    let failed = NEVER;
    for (let now = 0; now <= 400 && failed === NEVER; now += 10) {
      if (validation.deadline() <= now && validation.onTimeout(now)) failed = now;
      if (!validation.pending) continue;
      validation.challenge(now, 100, random);
      sent.push(now);
    }
    assert.deepEqual(sent, [0, 100]);
    assert.equal(failed, 300);
    assert.equal(validation.running, false);
  });

  it('takes the answer to any of its challenges, and to no other', () => {
    const validation = new Validation();
    validation.start(0, 100);
    const first = validation.challenge(0, 100, random).slice();
    const second = validation.challenge(100, 100, random).slice();
    assert.notDeepEqual(first, second);
    assert.ok(validation.matches(first, 0));
    assert.ok(validation.matches(Uint8Array.of(0, ...second), 1));
    assert.ok(!validation.matches(new Uint8Array(8), 0));
    validation.stop();
    assert.ok(!validation.matches(first, 0));
  });
});
