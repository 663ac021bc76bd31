import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RingReader } from './ring.ts';

const BYTES = 256;
const PAGE = 64;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;

/** A ring as the kernel lays it out, which the test writes. @param from where it was read and written to before */
const ringAt = (from: bigint) => {
  const consumer = new ArrayBuffer(PAGE);
  const producer = new ArrayBuffer(PAGE + 2 * BYTES);
  const read = new BigInt64Array(consumer, 0, 1);
  const written = new BigInt64Array(producer, 0, 1);
  read[0] = from;
  written[0] = from;
  const view = new DataView(producer, PAGE);
  const put = (offset: number, value: number) => {
    // Memory that is mapped twice is the same.
    view.setUint8(offset % BYTES, value);
    view.setUint8((offset % BYTES) + BYTES, value);
  };
  const reserve = (text: string, flags = 0): number => {
    const at = Number((written[0] as bigint) % BigInt(BYTES));
    view.setUint32(at, (text.length | flags) >>> 0, true);
    for (let i = 0; i < text.length; i++) put(at + 8 + i, text.charCodeAt(i));
    written[0] = (written[0] as bigint) + BigInt((8 + text.length + 7) & ~7);
    return at;
  };
  const commit = (at: number, text: string, flags = 0) => view.setUint32(at, (text.length | flags) >>> 0, true);
  const reader = new RingReader({ consumer, producer }, BYTES);
  const take = (most?: number): string[] => {
    const shown: string[] = [];
    const count = reader.read((record) => void shown.push(new TextDecoder().decode(record)), most);
    assert.equal(count, shown.length);
    return shown;
  };
  return { reserve, commit, take, isAllRead: () => read[0] === written[0], readTo: () => read[0] };
};

test('records come in order and once, around the end and past 32 and 52 bits', () => {
  for (const from of [0n, 2n ** 31n - 64n, 2n ** 32n - 64n, 2n ** 52n]) {
    const ring = ringAt(from);
    const sent: string[] = [];
    const got: string[] = [];
    for (let i = 0; i < 200; i++) {
      const text = `${i}:`.padEnd(i % 90, 'x');
      ring.reserve(text);
      sent.push(text);
      got.push(...ring.take());
      assert.ok(ring.isAllRead());
    }
    assert.deepEqual(got, sent, `${from}`);
  }
});

test('what is being written is waited for, and what lies behind it, too', () => {
  const ring = ringAt(0n);
  ring.reserve('first');
  const at = ring.reserve('second', BUSY);
  ring.reserve('third');
  assert.deepEqual(ring.take(), ['first']);
  assert.deepEqual(ring.take(), []);
  assert.equal(ring.readTo(), 16n);
  ring.commit(at, 'second');
  assert.deepEqual(ring.take(), ['second', 'third']);
  assert.ok(ring.isAllRead());
});

test('what was given up is not shown, and its room is free', () => {
  const ring = ringAt(0n);
  ring.reserve('first', DISCARDED);
  ring.reserve('second');
  ring.reserve('third', DISCARDED);
  assert.deepEqual(ring.take(), ['second']);
  assert.ok(ring.isAllRead());
});

test('no more are shown than are asked for; the rest stays', () => {
  const ring = ringAt(0n);
  for (const text of ['1', '2', '3']) ring.reserve(text);
  assert.deepEqual(ring.take(2), ['1', '2']);
  assert.equal(ring.readTo(), 32n);
  assert.deepEqual(ring.take(0), []);
  assert.deepEqual(ring.take(2), ['3']);
});

test('who throws has had the record, and no other is lost', () => {
  const memory = { consumer: new ArrayBuffer(PAGE), producer: new ArrayBuffer(PAGE + 2 * BYTES) };
  const view = new DataView(memory.producer, PAGE);
  view.setUint32(0, 1, true);
  view.setUint32(16, 2, true);
  new BigInt64Array(memory.producer, 0, 1)[0] = 32n;
  const reader = new RingReader(memory, BYTES);
  assert.throws(() =>
    reader.read(() => {
      throw new Error('no');
    }),
  );
  const lengths: number[] = [];
  assert.equal(
    reader.read((record) => void lengths.push(record.length)),
    1,
  );
  assert.deepEqual(lengths, [2]);
});

test('memory that is of no such ring is refused', () => {
  const memory = { consumer: new ArrayBuffer(PAGE), producer: new ArrayBuffer(2 * BYTES) };
  assert.throws(() => new RingReader(memory, BYTES), { name: 'RangeError', message: '512 bytes are no ring of 256' });
});
