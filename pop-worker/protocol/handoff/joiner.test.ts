import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Joiner, joinerBytes } from './joiner.ts';
import { JOIN_BYTES, JOIN_SLOTS, JOIN_US } from './limits.ts';

const HEADROOM = 8;
const AT = 100;
const SOURCE = Uint8Array.from({ length: 3 * JOIN_BYTES }, (_, i) => i * 7);
/** What says that all of a buffer around the slots stays as it is. */
const AROUND = 0xee;

const joining = () => {
  const buffer = new Uint8Array(AT + joinerBytes(HEADROOM) + AT).fill(AROUND);
  const joiner = new Joiner(buffer, AT, HEADROOM);
  joiner.nextBatch();
  /** Part of a datagram whose bytes are those of `SOURCE`. @returns what became whole */
  const put = (number: number, isFirst: boolean, from: number, to: number, more = { direction: 1, ecn: 0, now: 0 }) => {
    const { direction, ecn, now } = more;
    if (!joiner.put(direction, number, isFirst, SOURCE, from, to, ecn, now)) return undefined;
    assert.ok(joiner.start >= AT + HEADROOM && joiner.end <= buffer.length - AT);
    return buffer.slice(joiner.start, joiner.end);
  };
  const isClean = (): boolean =>
    buffer.subarray(0, AT).every((byte) => byte === AROUND) && buffer.subarray(-AT).every((byte) => byte === AROUND);
  return { joiner, put, isClean };
};
const whole = (bytes: number): Uint8Array => SOURCE.slice(0, bytes);

test('two parts are one datagram in either order, with the ECN codepoint of the one that came before', () => {
  for (const firstNumber of [0, 41, 2 ** 40]) {
    const { joiner, put } = joining();
    const early = { direction: 1, ecn: 2, now: 0 };
    assert.equal(put(firstNumber, true, 0, 10, early), undefined);
    assert.deepEqual(put(firstNumber + 1, false, 10, 30, { ...early, ecn: 1 }), whole(30));
    assert.equal(joiner.ecn, 2);
    joiner.nextBatch();
    assert.equal(put(firstNumber + 1, false, 10, 300, { ...early, ecn: 3 }), undefined);
    assert.deepEqual(put(firstNumber, true, 0, 10, early), whole(300));
    assert.equal(joiner.ecn, 3);
    assert.equal(joiner.given, 0);
  }
});

test('the second of all packets that says it is a second part has none before it', () => {
  const { joiner, put } = joining();
  assert.equal(put(0, false, 0, 10), undefined, 'the packet before the first has no number');
  assert.equal(put(1, true, 0, 10), undefined);
  assert.equal(joiner.given, 0);
});

test('parts of the same kind, of other numbers or of another direction are no datagram; what gives way is counted', () => {
  const { joiner, put } = joining();
  put(5, true, 0, 10);
  assert.equal(put(5, true, 0, 10), undefined, 'twice the first');
  assert.equal(joiner.given, 1);
  assert.equal(put(7, false, 10, 20), undefined, 'a second one of another');
  assert.equal(put(6, false, 10, 20, { direction: 2, ecn: 0, now: 0 }), undefined, 'of another direction');
  assert.equal(joiner.given, 1);
  assert.deepEqual(put(6, false, 10, 20), whole(20), 'the one that waited is still there');
  joiner.nextBatch();
  assert.equal(put(6, false, 10, 20), undefined, 'a datagram is whole once');
});

test('where two want one slot the older one goes: numbers a round apart, and directions that meet', () => {
  const { joiner, put } = joining();
  put(5, true, 0, 10);
  assert.equal(put(5 + JOIN_SLOTS, true, 0, 10), undefined);
  assert.equal(joiner.given, 1);
  assert.equal(put(6, false, 10, 20), undefined, 'it is gone');
  assert.equal(joiner.given, 2);
});

test('what became whole stays until the next batch: who wants its slot meanwhile is given up', () => {
  const { joiner, put } = joining();
  put(5, true, 0, 10);
  const found = put(6, false, 10, 20);
  assert.equal(put(5 + JOIN_SLOTS, true, 100, 200), undefined);
  assert.equal(joiner.given, 1);
  assert.deepEqual(found, whole(20));
  joiner.nextBatch();
  assert.equal(put(5 + JOIN_SLOTS, true, 0, 10), undefined);
  assert.deepEqual(put(6 + JOIN_SLOTS, false, 10, 20), whole(20));
});

test('a part waits for so long', () => {
  const { joiner, put } = joining();
  put(5, true, 0, 10, { direction: 1, ecn: 0, now: 1000 });
  assert.deepEqual(put(6, false, 10, 20, { direction: 1, ecn: 0, now: 1000 + JOIN_US - 1 }), whole(20));
  joiner.nextBatch();
  put(5, true, 0, 10, { direction: 1, ecn: 0, now: 1000 });
  assert.equal(put(6, false, 10, 20, { direction: 1, ecn: 0, now: 1000 + JOIN_US }), undefined);
  assert.equal(joiner.given, 1);
});

test('a datagram has as many bytes as a slot; what is longer comes to nothing, and the next one in its place does not', () => {
  const { joiner, put, isClean } = joining();
  for (const first of [0, JOIN_SLOTS - 1, JOIN_SLOTS]) {
    joiner.nextBatch();
    put(first, true, 0, JOIN_BYTES - 1);
    assert.deepEqual(put(first + 1, false, JOIN_BYTES - 1, JOIN_BYTES), whole(JOIN_BYTES));
  }
  joiner.nextBatch();
  assert.equal(put(9, true, 0, JOIN_BYTES), undefined);
  assert.equal(put(10, false, 0, 1), undefined, 'a byte too long together');
  assert.equal(joiner.given, 2);
  assert.equal(put(9, true, 0, JOIN_BYTES + 1), undefined, 'too long by itself');
  assert.equal(joiner.given, 3);
  assert.equal(put(9, true, 0, 10), undefined);
  assert.deepEqual(put(10, false, 10, 20), whole(20));
  assert.ok(isClean(), 'nothing but its slots is written');
});
