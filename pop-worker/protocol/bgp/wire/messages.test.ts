import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ErrorCode, HeaderSubcode } from '../errors.ts';
import { MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES } from './header.ts';
import { writeKeepalive } from './keepalive.ts';
import { readMessages } from './messages.ts';
import { CAPTURED } from './testing/captured.ts';
import { hex, unhex } from './testing/hex.ts';
import { recordingSink, remoteFault, written } from './testing/record.ts';

const MARKER = 'ff'.repeat(16);
const header = (length: number, type: number): Uint8Array =>
  unhex(MARKER + length.toString(16).padStart(4, '0') + type.toString(16).padStart(2, '0'));

const STREAM = [
  CAPTURED.open,
  CAPTURED.keepalive,
  CAPTURED.old.communities,
  CAPTURED.endOfRib4,
  CAPTURED.malformedOpen,
];
const NAMES = ['open', 'keepalive', 'update', 'update', 'notification'];

test('several messages of one buffer are handed over in order, a partial one is left (RFC 4271 §4)', () => {
  const bytes = Buffer.concat(STREAM);
  const { sink, seen } = recordingSink();
  assert.equal(readMessages(bytes, 0, bytes.length, MAX_MESSAGE_BYTES, sink), bytes.length);
  assert.deepEqual(
    seen.map(({ name }) => name),
    NAMES,
  );
  assert.equal(hex(seen[2]!.body), hex(STREAM[2]!, 19));
});

test('however the stream is cut, the same messages come out', () => {
  const bytes = Buffer.concat(STREAM);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 60 }), (pieces) => {
      const { sink, seen } = recordingSink();
      let from = 0;
      let end = 0;
      for (const piece of [...pieces, bytes.length]) {
        end = Math.min(bytes.length, end + piece);
        from = readMessages(bytes, from, end, MAX_MESSAGE_BYTES, sink);
      }
      assert.equal(from, bytes.length);
      assert.deepEqual(
        seen.map(({ name, body }) => [name, hex(body)]),
        NAMES.map((name, i) => [name, hex(STREAM[i]!, 19)]),
      );
    }),
  );
});

test('a sink that says no is not told of later messages', () => {
  const bytes = Buffer.concat(STREAM);
  const { sink, seen } = recordingSink(2);
  assert.equal(readMessages(bytes, 0, bytes.length, MAX_MESSAGE_BYTES, sink), STREAM[0]!.length + 19);
  assert.equal(seen.length, 2);
});

test('a bad header ends the session as RFC 4271 §6.1 has it, as soon as it is there', () => {
  const rows: [string, Uint8Array, number, string][] = [
    ['marker', unhex(`${'ff'.repeat(15)}fe 0013 04`), HeaderSubcode.notSynchronized, ''],
    ['too short for a header', header(18, 4), HeaderSubcode.badLength, '0012'],
    ['longer than 4096', header(4097, 2), HeaderSubcode.badLength, '1001'],
    ['KEEPALIVE with a body', header(20, 4), HeaderSubcode.badLength, '0014'],
    ['short OPEN', header(28, 1), HeaderSubcode.badLength, '001c'],
    ['short UPDATE', header(22, 2), HeaderSubcode.badLength, '0016'],
    ['short NOTIFICATION', header(20, 3), HeaderSubcode.badLength, '0014'],
    ['short ROUTE-REFRESH', header(22, 5), HeaderSubcode.badLength, '0016'],
    ['type 0', header(19, 0), HeaderSubcode.badType, '00'],
    ['type 6', header(19, 6), HeaderSubcode.badType, '06'],
    ['type 255', header(40, 255), HeaderSubcode.badType, 'ff'],
  ];
  for (const [name, bad, subcode, data] of rows) {
    const bytes = Buffer.concat([CAPTURED.keepalive, bad]);
    const { sink, seen } = recordingSink();
    const error = remoteFault(() => readMessages(bytes, 0, bytes.length, MAX_MESSAGE_BYTES, sink));
    assert.deepEqual([error.code, error.subcode, hex(error.data)], [ErrorCode.messageHeader, subcode, data], name);
    assert.equal(seen.length, 1, `${name}: what came before`);
  }
});

test('extended messages are taken when that was announced, but for OPEN and KEEPALIVE (RFC 8654 §4)', () => {
  const { sink, seen } = recordingSink();
  const long = new Uint8Array(65_535);
  long.set(header(65_535, 2));
  assert.equal(readMessages(long, 0, 65_534, MAX_EXTENDED_MESSAGE_BYTES, sink), 0);
  assert.equal(readMessages(long, 0, 65_535, MAX_EXTENDED_MESSAGE_BYTES, sink), 65_535);
  assert.equal(seen[0]!.body.length, 65_516);
  for (const type of [3, 5]) readMessages(header(4097, type), 0, 19, MAX_EXTENDED_MESSAGE_BYTES, sink);
  for (const type of [1, 4]) {
    const error = remoteFault(() => readMessages(header(4097, type), 0, 19, MAX_EXTENDED_MESSAGE_BYTES, sink));
    assert.equal(error.subcode, HeaderSubcode.badLength);
  }
  readMessages(header(4096, 1), 0, 19, MAX_MESSAGE_BYTES, sink);
});

test('KEEPALIVE as a peer writes it', () => {
  assert.deepEqual(written(writeKeepalive), CAPTURED.keepalive);
});
