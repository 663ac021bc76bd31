import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DatagramQueue } from './datagrams.ts';

test('what does not fit is refused and counted', () => {
  const queue = new DatagramQueue(10, 3);
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  assert.deepEqual([queue.roomBytes, queue.peekLength()], [10, -1]);
  assert.equal(queue.push(bytes, 0, 11), false);
  assert.equal(queue.push(bytes, 0, 6), true);
  assert.equal(queue.push(bytes, 6, 11), false);
  assert.equal(queue.roomBytes, 4);
  assert.equal(queue.push(bytes, 7, 11), true);
  assert.deepEqual([queue.refused, queue.count, queue.roomBytes], [2, 2, 0]);
});

test('the start of the ring is used again while the end is in use', () => {
  const queue = new DatagramQueue(10, 9);
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  queue.push(bytes, 0, 6);
  queue.push(bytes, 3, 6);
  queue.drop();
  assert.equal(queue.roomBytes, 6);
  assert.equal(queue.push(bytes, 0, 6), true);
  const out = new Uint8Array(9);
  queue.popInto(out, queue.popInto(out, 0));
  assert.deepEqual([...out], [4, 5, 6, 1, 2, 3, 4, 5, 6]);
});

test('the number is bounded too, empty payloads included', () => {
  const queue = new DatagramQueue(10, 2);
  const nothing = new Uint8Array(0);
  assert.deepEqual(
    [queue.push(nothing, 0, 0), queue.push(nothing, 0, 0), queue.push(nothing, 0, 0)],
    [true, true, false],
  );
  assert.equal(queue.peekLength(), 0);
  queue.drop();
  assert.deepEqual([queue.count, queue.dropped], [1, 1]);
});

test('room never promises too much, and payloads come out as they went in', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(40), fc.constant(-1)), { maxLength: 200 }), (steps) => {
      const queue = new DatagramQueue(100, 7);
      const model: number[][] = [];
      let fill = 0;
      for (const length of steps) {
        if (length < 0) {
          const expected = model.shift();
          if (expected === undefined) continue;
          assert.equal(queue.peekLength(), expected.length);
          const out = new Uint8Array(60);
          assert.equal(queue.popInto(out, 5), 5 + expected.length);
          assert.deepEqual([...out.subarray(5, 5 + expected.length)], expected);
        } else {
          const payload = Array.from({ length }, () => fill++ & 0xff);
          const room = queue.count < 7 ? queue.roomBytes : -1;
          const taken = queue.push(Uint8Array.from([9, ...payload, 9]), 1, 1 + length);
          assert.equal(taken, length <= room);
          if (taken) model.push(payload);
        }
        assert.equal(queue.count, model.length);
      }
    }),
    { numRuns: 300 },
  );
});
