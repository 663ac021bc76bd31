import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransportError } from '../errors.ts';
import { Reader, u32At } from './reader.ts';
import { hex, unhex } from './testing/hex.ts';
import { remoteFault } from './testing/parse.ts';
import { writeVarint } from './varint.ts';

const bytes = unhex('0102 fff0 81020304 aabb');

test('reads in network order and stays between its ends', () => {
  const reader = new Reader().reset(bytes, 1, 9);
  assert.equal(reader.remaining, 8);
  assert.equal(reader.u8(), 0x02);
  assert.equal(reader.u16(), 0xfff0);
  assert.equal(reader.u32(), 0x81020304);
  assert.equal(reader.at, 8);
  assert.equal(reader.skip(1), 8);
  assert.equal(reader.remaining, 0);
  assert.equal(reader.skip(0), 9);
});

test('what is missing is the peer’s fault and moves nothing', () => {
  const reader = new Reader().reset(bytes, 9, 10);
  reader.frameType = 0x1c;
  for (const read of [() => reader.u16(), () => reader.u32(), () => reader.skip(2), () => reader.varint()]) {
    const error = remoteFault(read);
    assert.equal(error.code, TransportError.frameEncodingError);
    assert.equal(error.frameType, 0x1c);
    assert.equal(reader.at, 9);
  }
  assert.equal(reader.u8(), 0xbb);
  remoteFault(() => reader.u8());
});

test('its error has the code that it was made with, reset forgets the frame', () => {
  const reader = new Reader(TransportError.transportParameterError).reset(bytes, 0, 0);
  reader.frameType = 5;
  assert.equal(reader.error('x').code, TransportError.transportParameterError);
  assert.equal(reader.error('x').message, 'x');
  assert.equal(reader.reset(bytes, 0, 1).frameType, 0);
  assert.equal(new Reader().remaining, 0);
});

test('a length that cannot be is refused', () => {
  const reader = new Reader().reset(bytes, 0, bytes.length);
  for (const n of [11, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 62]) remoteFault(() => reader.skip(n));
});

test('u32At is unsigned', () => {
  assert.equal(u32At(unhex('00ffffffff'), 1), 0xffff_ffff);
});

test('the kind of a stream and an error code that can be written, however large they are', () => {
  const read = (text: string, what: 'streamId' | 'code') => {
    const each = unhex(text);
    return new Reader().reset(each, 0, each.length)[what]();
  };
  assert.deepEqual([read('25', 'streamId'), read('c01fffffffffffff', 'streamId')], [0x25, Number.MAX_SAFE_INTEGER]);
  for (const [last, kind] of [
    ['fc', 0],
    ['fd', 1],
    ['fe', 2],
    ['ff', 3],
  ] as const) {
    for (const text of [`c0200000000000${last}`, `ffffffffffffff${last}`]) {
      const id = read(text, 'streamId');
      assert.ok(Number.isSafeInteger(id) && id > 2 ** 52);
      assert.equal(id % 4, kind, text);
    }
  }
  assert.deepEqual([read('25', 'code'), read('c01fffffffffffff', 'code')], [0x25, Number.MAX_SAFE_INTEGER]);
  const out = new Uint8Array(8);
  for (const text of ['c020000000000001', 'fffffffffffffe00', 'ffffffffffffffff']) {
    assert.equal(writeVarint(out, 0, read(text, 'code')), 8);
    assert.equal(hex(out).slice(0, 8), text.slice(0, 8));
  }
});
