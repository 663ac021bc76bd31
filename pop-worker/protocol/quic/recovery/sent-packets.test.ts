import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError } from '../errors.ts';
import { AckWalk } from './ack-walk.ts';
import { FrameKind } from './frame-kind.ts';
import { PacketFlag, PacketState } from './packet-flag.ts';
import { SentPackets } from './sent-packets.ts';
import { ackOf } from './testing/harness.ts';

const DATA = PacketFlag.ackEliciting | PacketFlag.inFlight;

const isLocal = (error: unknown): boolean => error instanceof QuicError && error.fault === 'local';

function send(sent: SentPackets, frames: number, skip = 0): number {
  const number = sent.nextPacketNumber + skip;
  sent.begin(number);
  for (let i = 0; i < frames; i++) sent.frame(FrameKind.stream, number, i, 0);
  sent.commit(number * 10, 1000 + number, DATA, 0);
  return number;
}

function recordsOf(sent: SentPackets, number: number): number[][] {
  const slot = sent.slot(number);
  const first = sent.firstFrame[slot] as number;
  const records: number[][] = [];
  for (let i = first; i < first + (sent.frameCount[slot] as number); i++) {
    const at = sent.frames.offset(i);
    records.push([...sent.frames.words.subarray(at, at + 4)]);
  }
  return records;
}

function walk(sent: SentPackets, ...ranges: [number, number][]): number[] {
  const walker = new AckWalk();
  const found: number[] = [];
  walker.start(sent, ackOf(...ranges));
  for (let n = walker.next(); n >= 0; n = walker.next()) {
    sent.markAcked(n);
    found.push(n);
  }
  return found;
}

test('a packet keeps its columns and records while the ring grows', () => {
  const sent = new SentPackets(4096);
  for (let i = 0; i < 1000; i++) send(sent, i % 4);
  for (let i = 0; i < 1000; i++) {
    const slot = sent.slot(i);
    assert.equal(sent.sentTime[slot], i * 10);
    assert.equal(sent.bytes[slot], 1000 + i);
    const expected = Array.from({ length: i % 4 }, (_, k) => [FrameKind.stream, i, k, 0]);
    assert.deepEqual(recordsOf(sent, i), expected);
  }
});

test('an abandoned packet leaves no trace', () => {
  const sent = new SentPackets(64);
  sent.begin(0);
  sent.frame(FrameKind.ping, 0, 0, 0);
  assert.equal(sent.pendingFrames, 1);
  sent.abandon();
  assert.equal(sent.pendingFrames, 0);
  assert.equal(sent.nextPacketNumber, 0);
  send(sent, 2);
  assert.equal(recordsOf(sent, 0).length, 2);
});

test('misuse is a local error', () => {
  const sent = new SentPackets(64);
  send(sent, 1);
  assert.throws(() => sent.begin(0), isLocal);
  assert.throws(() => sent.begin(100), isLocal);
  assert.throws(() => sent.commit(0, 0, 0, 0), isLocal);
});

test('memory has a bound', () => {
  const sent = new SentPackets(64);
  while (sent.hasRoom(1)) send(sent, 1);
  assert.ok(sent.count > 32 && sent.count < 64);
  assert.throws(() => {
    for (;;) send(sent, 0);
  }, isLocal);
  assert.equal(sent.capacity, 64);
  const frames = new SentPackets(16);
  frames.begin(0);
  assert.throws(() => {
    for (;;) frames.frame(FrameKind.ping, 0, 0, 0);
  }, isLocal);
});

test('packets are retired from the front when acknowledged, skipped, or lost long ago', () => {
  const sent = new SentPackets(64);
  for (let i = 0; i < 3; i++) send(sent, 1);
  send(sent, 1, 1);
  sent.markAcked(0);
  sent.flags[sent.slot(1)] = DATA | PacketState.lost;
  sent.lostTime[sent.slot(1)] = 100;
  sent.retire(100);
  assert.equal(sent.base, 1);
  sent.retire(101);
  assert.equal(sent.base, 2);
  assert.equal(sent.frames.base, 2);
  sent.markAcked(2);
  sent.retire(101);
  assert.equal(sent.base, 4, '3 was skipped');
  sent.markAcked(4);
  sent.retire(101);
  assert.deepEqual([sent.count, sent.frames.base], [0, sent.frames.next]);
});

test('a released ring has no memory, and still works', () => {
  const sent = new SentPackets(64);
  assert.equal(sent.capacity, 0);
  for (let i = 0; i < 40; i++) send(sent, 2);
  sent.release();
  assert.deepEqual([sent.capacity, sent.frames.words.length, sent.count], [0, 0, 0]);
  assert.deepEqual(walk(sent, [0, 39]), []);
  assert.equal(send(sent, 2), 40);
  assert.equal(recordsOf(sent, 40).length, 2);
  assert.deepEqual(walk(sent, [0, 40]), [40]);
});

test('records of a packet that was begun survive the retirement of all before it', () => {
  const sent = new SentPackets(64);
  send(sent, 3);
  sent.begin(1);
  sent.frame(FrameKind.ping, 7, 0, 0);
  sent.markAcked(0);
  sent.retire(0);
  sent.commit(5, 100, DATA, 0);
  assert.deepEqual(recordsOf(sent, 1), [[FrameKind.ping, 7, 0, 0]]);
});

test('an ACK finds each packet once, whatever ranges say', () => {
  const sent = new SentPackets(64);
  for (let i = 0; i < 20; i++) send(sent, 0);
  assert.deepEqual(walk(sent, [10, 12], [3, 5]), [3, 4, 5, 10, 11, 12]);
  assert.deepEqual(walk(sent, [9, 12], [2, 5]), [2, 9]);
  assert.deepEqual(walk(sent, [0, 19]), [0, 1, 6, 7, 8, 13, 14, 15, 16, 17, 18, 19]);
  assert.deepEqual(walk(sent, [0, 19]), []);
});

test('the walk agrees with a set, over any sends, skips, ranges and retirements', () => {
  const step = fc.oneof(
    fc.record({ send: fc.integer({ min: 1, max: 40 }), skip: fc.nat(3) }),
    fc.record({ ack: fc.array(fc.tuple(fc.nat(60), fc.nat(20)), { minLength: 1, maxLength: 6 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const sent = new SentPackets(8192);
      const open = new Set<number>();
      for (const action of steps) {
        if ('send' in action) {
          for (let i = 0; i < action.send; i++) open.add(send(sent, 1, i === 0 ? action.skip : 0));
          continue;
        }
        const ranges = descending(action.ack, sent.nextPacketNumber);
        const expected = [...open].filter((n) => ranges.some(([low, high]) => n >= low && n <= high));
        assert.deepEqual(
          walk(sent, ...ranges),
          expected.sort((a, b) => a - b),
        );
        for (const n of expected) open.delete(n);
        sent.retire(0);
        assert.equal(sent.base, open.size === 0 ? sent.nextPacketNumber : Math.min(...open));
      }
    }),
  );
});

/** Ranges from gaps and lengths, downward from the top; none below 0. */
function descending(steps: readonly (readonly [number, number])[], next: number): [number, number][] {
  const ranges: [number, number][] = [];
  let at = next - 1;
  for (const [gap, length] of steps) {
    const high = at - gap;
    if (high < 0) break;
    const low = Math.max(0, high - length);
    ranges.push([low, high]);
    at = low - 2;
  }
  return ranges;
}
