import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PayloadReader } from './varint.ts';

const over = (...bytes: number[]) => {
  // More lies behind the payload than belongs to it.
  const reader = new PayloadReader(Uint8Array.of(9, ...bytes, 0, 0, 0, 0), 1, 1 + bytes.length);
  assert.equal(reader.remaining, bytes.length);
  return reader;
};

test('a cursor reads what is there and nothing behind it', () => {
  const reader = over(0x00, 0x40, 0x25, 7, 8, 5);
  assert.deepEqual([reader.varint(), reader.varint()], [0, 37]);
  assert.deepEqual(reader.bytes(2), Uint8Array.of(7, 8));
  assert.equal(reader.bytes(2), undefined);
  assert.deepEqual([reader.byte(), reader.byte(), reader.varint(), reader.remaining], [5, -1, -1, 0]);
  assert.deepEqual(reader.bytes(0), new Uint8Array());
});

test('an integer that is cut off is none', () => {
  for (const bytes of [[], [0x40], [0x80, 0, 0], [0xc0, 0, 0, 0, 0, 0, 0]]) assert.equal(over(...bytes).varint(), -1);
  assert.equal(over(0x80, 0, 0, 1).varint(), 1);
});
