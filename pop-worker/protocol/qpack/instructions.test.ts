import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QpackError } from './errors.ts';
import { DecoderStreamReader, EncoderStreamReader } from './instructions.ts';
import { hex } from './testing/hex.ts';

/** @returns 'fine' or the code of the error; the same however the bytes are cut */
const feed = (make: () => EncoderStreamReader | DecoderStreamReader, bytes: Uint8Array): number | 'fine' => {
  const attempt = (step: number): number | 'fine' => {
    const reader = make();
    try {
      for (let at = 0; at < bytes.length; at += step) reader.push(bytes, at, Math.min(bytes.length, at + step));
      return 'fine';
    } catch (error) {
      assert.ok(error instanceof QpackError && error.fault === 'remote', String(error));
      return error.code;
    }
  };
  const whole = attempt(Math.max(1, bytes.length));
  assert.equal(attempt(1), whole);
  return whole;
};
const encoderStream = (bytes: Uint8Array) => feed(() => new EncoderStreamReader(), bytes);
const decoderStream = (bytes: Uint8Array) => feed(() => new DecoderStreamReader(), bytes);

test('encoder stream: only a capacity of 0 may be set (RFC 9204 §4.3.1)', () => {
  assert.equal(encoderStream(hex('20 20')), 'fine');
  assert.equal(encoderStream(hex('3fbd01')), 0x201, 'RFC 9204 §B.2: capacity 220');
  assert.equal(encoderStream(hex('3f00')), 0x201, 'capacity 31');
  assert.equal(encoderStream(hex('30')), 0x201, 'capacity 16');
  for (const empty of ['c0 00', '80 00', '40 00', '00']) assert.equal(encoderStream(hex(empty)), 0x201, empty);
  assert.equal(encoderStream(hex('c00f 7777')), 0x201, 'insert with name reference');
  assert.equal(encoderStream(hex('4a63')), 0x201, 'RFC 9204 §B.3: insert with literal name');
  assert.equal(encoderStream(hex('02')), 0x201, 'RFC 9204 §B.4: duplicate');
  assert.equal(encoderStream(hex('3fffffffffffffffffff01')), 0x201, 'integer too large');
});

test('decoder stream: only cancellations concern an encoder that inserts nothing (RFC 9204 §4.4)', () => {
  assert.equal(decoderStream(hex('48')), 'fine', 'RFC 9204 §B.4: stream 8 cancelled');
  assert.equal(decoderStream(hex('7f8001 40')), 'fine');
  assert.equal(decoderStream(hex('5f 5f 7e 7f8001 84')), 0x202, 'what follows cancellations of any length is read');
  for (const short of ['5f', '7e', '7f00']) assert.equal(decoderStream(hex(`${short} 01`)), 0x202, short);
  assert.equal(decoderStream(hex('84')), 0x202, 'RFC 9204 §B.2: acknowledgment');
  assert.equal(decoderStream(hex('01')), 0x202, 'RFC 9204 §B.3: increment');
  assert.equal(decoderStream(hex('00')), 0x202, 'increment of 0');
});

test('any bytes, cut anywhere, give the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.ok(['fine', 0x201].includes(encoderStream(bytes)));
      assert.ok(['fine', 0x202].includes(decoderStream(bytes)));
    }),
  );
});
