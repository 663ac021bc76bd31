import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CeaseSubcode, ErrorCode } from '../errors.ts';
import { cease, hardReset, innerOf, shutdownText } from './cease.ts';
import { errorName } from './error-names.ts';
import { MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES } from './header.ts';
import { type Notification, parseNotification, writeNotification } from './notification.ts';
import { CAPTURED } from './testing/captured.ts';
import { hex, unhex } from './testing/hex.ts';
import { BODY, written } from './testing/record.ts';

const write = (notification: Notification, room?: number): Uint8Array =>
  written((buffer, at, end) => writeNotification(buffer, at, end, notification), room);
const read = (bytes: Uint8Array): Notification => parseNotification(bytes, BODY, bytes.length);
const data = (text: string): Uint8Array => unhex(text);

test('the NOTIFICATION of a real peer', () => {
  const notification = read(CAPTURED.malformedOpen);
  assert.deepEqual(notification, { code: ErrorCode.open, subcode: 0, data: data('') });
  assert.deepEqual(write(notification), CAPTURED.malformedOpen);
  assert.equal(errorName(notification.code, notification.subcode), 'OPEN Message Error');
});

test('round trip', () => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), fc.uint8Array({ maxLength: 300 }), (code, subcode, bytes) => {
      assert.deepEqual(read(write({ code, subcode, data: bytes })), { code, subcode, data: bytes });
    }),
  );
});

test('data is cut to the room, and to 4096 bytes of message (RFC 8654 §5)', () => {
  const long = { code: 3, subcode: 1, data: new Uint8Array(60_000).fill(7) };
  assert.equal(write(long, MAX_EXTENDED_MESSAGE_BYTES).length, MAX_MESSAGE_BYTES);
  assert.equal(write(long, 100).length, 100);
});

test('codes and subcodes have their names, others are numbers', () => {
  const rows: [number, number, string][] = [
    [1, 1, 'Message Header Error, Connection Not Synchronized'],
    [2, 11, 'OPEN Message Error, Role Mismatch'],
    [3, 11, 'UPDATE Message Error, Malformed AS_PATH'],
    [4, 0, 'Hold Timer Expired'],
    [5, 3, 'Finite State Machine Error, Receive Unexpected Message in Established State'],
    [6, 9, 'Cease, Hard Reset'],
    [6, 10, 'Cease, BFD Down'],
    [7, 1, 'ROUTE-REFRESH Message Error, Invalid Message Length'],
    [8, 0, 'Send Hold Timer Expired'],
    [6, 77, 'Cease, subcode 77'],
    [99, 1, 'error 99, subcode 1'],
  ];
  for (const [code, subcode, name] of rows) assert.equal(errorName(code, subcode), name);
});

test('a Shutdown Communication says what it says, in UTF-8 (RFC 9003 §2)', () => {
  const text = '[TICKET-1-1438367390] software upgrade; back in 2 hours';
  for (const subcode of [CeaseSubcode.administrativeShutdown, CeaseSubcode.administrativeReset]) {
    const bytes = write(cease(subcode, text));
    assert.equal(hex(bytes, BODY, BODY + 3), `06${hex(Uint8Array.of(subcode))}37`);
    assert.equal(shutdownText(read(bytes)), text);
  }
  assert.equal(shutdownText(cease(2, 'Grüße, 你好 🌍')), 'Grüße, 你好 🌍');
  assert.equal(shutdownText(cease(2)), undefined);
  assert.equal(shutdownText({ code: 6, subcode: 3, data: data('0141') }), undefined, 'not of this subcode');
  assert.equal(shutdownText({ code: 2, subcode: 2, data: data('0141') }), undefined, 'not of this code');
});

test('a Shutdown Communication that is not well formed is none (RFC 9003 §4)', () => {
  for (const text of ['', '00', '02 41', '01 4142', '01 ff', '02 c0af', '03 eda080', '01 c3']) {
    assert.equal(shutdownText({ code: 6, subcode: 2, data: data(text) }), undefined, text);
  }
  assert.equal(shutdownText({ code: 6, subcode: 2, data: data('01 41') }), 'A');
});

test('a long text is cut behind a whole character, at 255 bytes', () => {
  assert.equal(cease(2, 'a'.repeat(300)).data.length, 256);
  const cut = cease(2, 'ü'.repeat(200));
  assert.equal(cut.data[0], 254);
  assert.equal(shutdownText(cut), 'ü'.repeat(127));
  assert.equal(shutdownText(cease(2, `${'a'.repeat(252)}🌍`)), 'a'.repeat(252));
  assert.equal(shutdownText(cease(2, '\ud800x')), '\ufffdx');
});

test('a Hard Reset holds another NOTIFICATION (RFC 8538 §3.1)', () => {
  const inner = cease(CeaseSubcode.administrativeShutdown, 'moving');
  const outer = read(write(hardReset(inner)));
  assert.deepEqual([outer.code, outer.subcode], [ErrorCode.cease, CeaseSubcode.hardReset]);
  assert.deepEqual(innerOf(outer), inner);
  assert.equal(shutdownText(outer), 'moving');
  for (const short of ['', '06']) {
    const bare = { code: 6, subcode: 9, data: data(short) };
    assert.deepEqual(innerOf(bare), bare);
    assert.equal(shutdownText(bare), undefined);
  }
  assert.deepEqual(innerOf(inner), inner);
});
