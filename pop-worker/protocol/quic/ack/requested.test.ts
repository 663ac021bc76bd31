import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeSet } from '../ranges.ts';
import { AckReceiver } from './receiver.ts';
import { RequestedAcks } from './requested.ts';

const MIN = 1000;
const receiver = () => new AckReceiver({ immediate: false, maxAckDelayUs: 25_000, minAckDelayUs: MIN });
const write = (acks: AckReceiver, now: number): void => {
  assert.ok(acks.writeFrame(new Uint8Array(500), 0, 500, now) > 0);
};

test('§4: an ACK goes when more than the threshold came, or when the requested time is over', () => {
  const acks = receiver();
  acks.onAckFrequency(0, 9, 50_000, 1);
  for (let n = 0; n < 9; n++) acks.onPacket(n, true, 0, n);
  assert.deepEqual([acks.due(9), acks.deadline()], [false, 50_000]);
  acks.onPacket(9, true, 0, 9);
  assert.equal(acks.due(9), true);
});

test('§4: a threshold of 0 has each packet acknowledged at once', () => {
  const acks = receiver();
  acks.onAckFrequency(0, 0, 50_000, 1);
  acks.onPacket(0, true, 0, 0);
  assert.equal(acks.due(0), true);
});

test('§4: an obsolete frame changes nothing', () => {
  const acks = receiver();
  acks.onAckFrequency(5, 3, 50_000, 1);
  acks.onAckFrequency(5, 0, 2000, 1);
  acks.onAckFrequency(4, 0, 2000, 1);
  acks.onPacket(0, true, 0, 0);
  assert.deepEqual([acks.due(0), acks.deadline()], [false, 50_000]);
});

for (const [what, delay] of [
  ['below what we declared', MIN - 1],
  ['that no max_ack_delay can be', 2 ** 14 * 1000],
] as const) {
  test(`§4: a delay ${what} is a violation, even in an obsolete frame`, () => {
    const acks = receiver();
    acks.onAckFrequency(5, 1, MIN, 1);
    assert.throws(() => acks.onAckFrequency(1, 1, delay, 1), { code: 0x0a, fault: 'remote' });
  });
}

test('§3: the frames are unknown to who declared nothing', () => {
  const acks = new AckReceiver({ immediate: false });
  assert.throws(() => acks.onAckFrequency(0, 1, 25_000, 1), { code: 0x07, frameType: 0xaf });
  assert.throws(() => acks.onImmediateAck(), { code: 0x07, frameType: 0x1f });
});

test('§5: IMMEDIATE_ACK has its own packet acknowledged at once, and not the next', () => {
  const acks = receiver();
  acks.onImmediateAck();
  acks.onPacket(0, true, 0, 0);
  assert.equal(acks.due(0), true);
  write(acks, 0);
  acks.onPacket(1, true, 0, 0);
  assert.equal(acks.due(0), false);
});

/** Which of these arrivals have an ACK sent at once. */
const urgent = (reordering: number, numbers: readonly number[]): number[] => {
  const acks = receiver();
  acks.onAckFrequency(0, 1000, 50_000, reordering);
  return numbers.filter((n) => {
    acks.onPacket(n, true, 0, 0);
    if (!acks.due(0)) return false;
    write(acks, 0);
    return true;
  });
};

test('§6.2: packets out of order bring ACKs about by the reordering threshold', () => {
  assert.deepEqual(urgent(0, [0, 5, 3, 9, 1]), []);
  assert.deepEqual(urgent(1, [0, 1, 3, 2]), [3, 2]);
  assert.deepEqual(urgent(3, [0, 1, 3, 4, 5, 8, 9]), [5, 9]);
  // 4 was declared lost when the ACK of 7 was seen: its coming is told.
  assert.deepEqual(urgent(3, [0, 1, 2, 3, 5, 6, 7, 4]), [7, 4]);
});

test('CE is told at once whatever was requested (§6.4)', () => {
  const acks = receiver();
  acks.onAckFrequency(0, 1000, 50_000, 0);
  acks.onPacket(0, true, 3, 0);
  assert.equal(acks.due(0), true);
});

test('§6.2: the gap that counts is the lowest that no ACK told of, as counting shows', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: -1, max: 30 }),
      (numbers, reordering, acked) => {
        const requested = new RequestedAcks(MIN, 25_000);
        requested.onFrame(0, 1, MIN, reordering);
        const ranges = new RangeSet(64);
        for (const n of numbers) ranges.add(n);
        const largest = Math.max(...numbers);
        const arrived = numbers.at(-1) as number;
        let missing = largest;
        for (let n = largest - 1; n >= Math.max(0, acked - reordering + 1); n--) if (!numbers.includes(n)) missing = n;
        const expected = largest - missing >= reordering || (arrived < largest && arrived <= acked - reordering);
        assert.equal(requested.isOutside(ranges, arrived, largest, acked), expected);
      },
    ),
    { numRuns: 500 },
  );
});
