import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allocateRing, META_WORDS, RingReader, RingWriter } from './ring.ts';

const RING_BYTES = 4096;
const HEADER_BYTES = 16 + META_WORDS * 4;

const pair = () => {
  const shared = allocateRing(RING_BYTES);
  return { writer: new RingWriter(shared), reader: new RingReader(shared) };
};
const metaOf = (n: number): Int32Array => Int32Array.from({ length: META_WORDS }, (_, i) => n * 31 + i);
const bytesOf = (n: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => n * 7 + i);

test('what goes in comes out, once, in order and whole, however it is interleaved', () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 0, max: RING_BYTES / 4 - HEADER_BYTES }) }),
    fc.constant('publish' as const),
    fc.constant('read' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const { writer, reader } = pair();
      const expected: { n: number; length: number }[] = [];
      let [pushed, published] = [0, 0];
      const target = new Uint8Array(5 + RING_BYTES);
      const read = (): void => {
        const waits = published > 0;
        assert.equal(reader.next(), waits);
        if (!waits) return;
        published--;
        const { n, length } = expected.shift() as { n: number; length: number };
        assert.deepEqual([reader.kind, reader.length], [1 + (n % 3), length]);
        assert.deepEqual(reader.meta, metaOf(n));
        reader.copyTo(target, 5);
        assert.deepEqual(target.slice(5, 5 + length), bytesOf(n, length));
        reader.release();
      };
      for (const one of steps) {
        if (one === 'read') read();
        else if (one === 'publish') {
          writer.publish();
          published = expected.length;
        } else if (writer.push(1 + (pushed % 3), metaOf(pushed), bytesOf(pushed, one.push), 0, one.push)) {
          expected.push({ n: pushed++, length: one.push });
        } else assert.ok(expected.length > 0, 'an empty ring takes every record');
      }
      writer.publish();
      published = expected.length;
      while (expected.length > 0) read();
      assert.equal(reader.isEmpty, true);
    }),
    { numRuns: 300 },
  );
});

test('a full ring takes nothing more until something was read, and then goes on', () => {
  const { writer, reader } = pair();
  const big = bytesOf(1, 900);
  let count = 0;
  while (writer.push(1, metaOf(0), big, 0, big.length)) count++;
  assert.equal(count, Math.floor(RING_BYTES / (HEADER_BYTES + 912)));
  assert.equal(reader.next(), false, 'nothing was published');
  writer.publish();
  assert.equal(reader.next(), true);
  reader.release();
  assert.equal(writer.push(2, metaOf(0), big, 0, 100), true);
});

test('a record larger than a quarter of the ring is refused, always', () => {
  const { writer } = pair();
  const bytes = new Uint8Array(RING_BYTES);
  assert.equal(writer.push(1, metaOf(0), bytes, 0, RING_BYTES / 4 - HEADER_BYTES + 1), false);
  assert.equal(writer.push(1, metaOf(0), bytes, 0, RING_BYTES / 4 - HEADER_BYTES), true);
});

test('rings have a size that wraps by itself', () => {
  for (const bytes of [0, 512, 1500, 3 << 12]) assert.throws(() => allocateRing(bytes), RangeError);
});
