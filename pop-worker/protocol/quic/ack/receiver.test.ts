import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEVER } from '../../contract.ts';
import { parseAck } from '../wire/frames/ack.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import type { AckFrame, FrameSink } from '../wire/frames/sink.ts';
import { Reader } from '../wire/reader.ts';
import { AckReceiver } from './receiver.ts';

const DELAY = 25_000;
const application = () => new AckReceiver({ immediate: false, maxAckDelayUs: DELAY });

const write = (receiver: AckReceiver, now: number, room = 1000): AckFrame | undefined => {
  const buffer = new Uint8Array(room);
  const end = receiver.writeFrame(buffer, 0, room, now);
  if (end === 0) return undefined;
  let frame: AckFrame | undefined;
  const sink = { ack: (ack: AckFrame) => (frame = { ...ack, ranges: ack.ranges.slice(0, 2 * ack.count) }) };
  const type = buffer[0] as number;
  assert.ok(type === FrameType.ack || type === FrameType.ackEcn);
  parseAck(new Reader().reset(buffer, 1, end), type, sink as unknown as FrameSink);
  return frame;
};

test('§13.2.2: every second ack-eliciting packet, or the delay', () => {
  const receiver = application();
  receiver.onPacket(0, true, 0, 100);
  assert.deepEqual([receiver.due(100), receiver.pending, receiver.deadline()], [false, true, 100 + DELAY]);
  assert.equal(receiver.due(100 + DELAY), true);
  receiver.onPacket(1, true, 0, 200);
  assert.deepEqual([receiver.due(200), receiver.deadline()], [true, 200]);
  const frame = write(receiver, 300);
  assert.deepEqual([frame?.largest, frame?.delay, [...(frame?.ranges ?? [])]], [1, Math.floor(100 / 8), [0, 1]]);
  assert.deepEqual([receiver.due(NEVER), receiver.pending, receiver.deadline()], [false, false, NEVER]);
});

test('§13.2.1: Initial and Handshake packets at once', () => {
  const receiver = new AckReceiver({ immediate: true });
  receiver.onPacket(0, true, 0, 5);
  assert.equal(receiver.due(5), true);
});

test('§13.2.1: packets that elicit no ACK get none of their own', () => {
  const receiver = application();
  for (let n = 0; n < 10; n += 3) receiver.onPacket(n, false, 0, n);
  assert.deepEqual([receiver.due(NEVER), receiver.pending, receiver.deadline()], [false, false, NEVER]);
  receiver.onPacket(10, true, 0, 10);
  receiver.onPacket(11, true, 0, 10);
  assert.deepEqual(write(receiver, 10)?.count, 4);
});

for (const [name, numbers, due] of [
  ['in order', [0], false],
  ['a gap', [0, 1, 3], true],
  ['a gap at the start', [2], true],
  ['below another', [0, 1, 3, 2], true],
] as const) {
  test(`§13.2.1: at once when out of order: ${name}`, () => {
    const receiver = application();
    for (const n of numbers.slice(0, -1)) receiver.onPacket(n, true, 0, 0);
    write(receiver, 0);
    receiver.onPacket(numbers.at(-1) as number, true, 0, 0);
    assert.equal(receiver.due(0), due);
  });
}

test('§13.2.1: a non-eliciting packet in between is no gap', () => {
  const receiver = application();
  receiver.onPacket(0, true, 0, 0);
  receiver.onPacket(1, false, 0, 0);
  write(receiver, 0);
  receiver.onPacket(2, true, 0, 0);
  assert.equal(receiver.due(0), false);
  write(receiver, 0);
  receiver.onPacket(3, false, 0, 0);
  receiver.onAckAcked(3);
  receiver.onPacket(4, true, 0, 0);
  assert.equal(receiver.due(0), false);
});

test('§13.2.1, §13.4.1: CE at once, codepoints are counted, duplicates are not', () => {
  const receiver = application();
  receiver.onPacket(0, false, 2, 0);
  receiver.onPacket(1, false, 1, 0);
  receiver.onPacket(1, false, 1, 0);
  receiver.onPacket(2, true, 3, 0);
  assert.equal(receiver.due(0), true);
  const frame = write(receiver, 0);
  assert.deepEqual([frame?.hasEcn, frame?.ect0, frame?.ect1, frame?.ce], [true, 1, 1, 1]);
});

test('§13.2.4: what an acknowledged ACK said is not repeated, and counts as received', () => {
  const receiver = application();
  for (const n of [0, 1, 4, 5]) receiver.onPacket(n, true, 0, 0);
  write(receiver, 0);
  receiver.onAckAcked(receiver.largest);
  for (let n = 0; n <= 5; n++) assert.equal(receiver.isDuplicate(n), true);
  receiver.onPacket(2, true, 0, 0);
  assert.equal(receiver.pending, false);
  receiver.onPacket(6, true, 0, 0);
  assert.deepEqual([...(write(receiver, 0)?.ranges ?? [])], [6, 6]);
});

test('§13.2.3: ranges are bounded; what was dropped counts as received', () => {
  const receiver = new AckReceiver({ immediate: false, maxRanges: 4 });
  for (let n = 0; n < 20; n += 2) receiver.onPacket(n, true, 0, 0);
  assert.equal(write(receiver, 0)?.count, 4);
  assert.deepEqual(
    [10, 11, 12].map((n) => receiver.isDuplicate(n)),
    [true, false, true],
  );
});

test('§13.2.4: a PING now and then when ranges pile up', () => {
  const receiver = application();
  let pings = 0;
  for (let n = 0; n < 400; n += 2) {
    receiver.onPacket(n, true, 0, 0);
    if (receiver.takePing()) pings++;
    write(receiver, 0);
  }
  assert.equal(pings, Math.floor(199 / 32));
});

test('ACKs become rarer at a high rate, and usual again for a sender with a small window', () => {
  const receiver = application();
  let now = 0;
  let number = 0;
  for (let i = 0; i < 20_000; i++) {
    now += 10;
    receiver.onPacket(number++, true, 0, now);
    if (receiver.due(now)) write(receiver, now);
  }
  assert.equal(receiver.ackEvery, 64);
  for (let i = 0; i < 8; i++) {
    receiver.onPacket(number++, true, 0, now);
    assert.ok(receiver.deadline() <= now + DELAY);
    now = receiver.deadline();
    assert.equal(receiver.due(now), true);
    write(receiver, now);
  }
  assert.equal(receiver.ackEvery, 2);
});

test('any arrivals: every eliciting packet is acknowledged within the delay, duplicates are known, frames are exact', () => {
  const arrival = fc.record({ number: fc.nat(60), eliciting: fc.boolean(), gapUs: fc.nat(3000), room: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 80 }), (arrivals) => {
      const receiver = application();
      const seen = new Set<number>();
      let now = 0;
      let waitingSince = NEVER;
      for (const { number, eliciting, gapUs, room } of arrivals) {
        now += gapUs;
        if (receiver.due(now)) {
          const frame = write(receiver, now, 8 + room);
          if (frame !== undefined) {
            waitingSince = NEVER;
            assert.equal(frame.largest, Math.max(...seen));
            for (let i = 0; i < frame.count; i++) {
              for (let n = frame.ranges[2 * i] as number; n <= (frame.ranges[2 * i + 1] as number); n++)
                assert.ok(seen.has(n));
            }
          }
        }
        assert.equal(receiver.isDuplicate(number), seen.has(number));
        if (eliciting && !seen.has(number)) waitingSince = Math.min(waitingSince, now);
        seen.add(number);
        receiver.onPacket(number, eliciting, 0, now);
        assert.ok(receiver.deadline() <= waitingSince + DELAY);
        assert.equal(receiver.pending, waitingSince < NEVER);
      }
    }),
    { numRuns: 300 },
  );
});
