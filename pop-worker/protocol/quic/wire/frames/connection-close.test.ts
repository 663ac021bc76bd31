import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../testing/hex.ts';
import { parsePayload, written } from '../testing/parse.ts';
import { writeConnectionClose } from './connection-close.ts';

const close = (room: number, application: boolean, reason: string, code = 10, frameType = 6): Uint8Array =>
  written((buf, at) =>
    writeConnectionClose(buf, at, at + room, application, code, frameType, new TextEncoder().encode(reason)),
  );

test('both kinds', () => {
  assert.equal(hex(close(100, false, 'ok')), '1c0a06026f6b');
  assert.equal(hex(close(100, true, 'ok', 256)), '1d4100026f6b');
  assert.deepEqual(parsePayload(close(100, false, '')).events, [['connectionClose', false, 10, 6, '']]);
});

test('a reason that does not fit is cut', () => {
  assert.equal(hex(close(6, false, 'ok')), '1c0a06026f6b');
  assert.equal(hex(close(5, false, 'ok')), '1c0a06016f');
  assert.equal(hex(close(4, false, 'ok')), '1c0a0600');
  assert.equal(hex(close(3, false, 'ok')), '');
  assert.equal(hex(close(4, true, 'ok')), '1d0a016f');
  assert.equal(hex(close(2, true, 'ok')), '');
});

test('a character is never cut in two', () => {
  const reason = 'aж€😀';
  const seen = new Set<string>();
  for (let room = 4; room < 20; room++) {
    const frame = close(room, false, reason);
    assert(frame.length <= room);
    const [event] = parsePayload(frame).events;
    const text = Buffer.from(event?.[4] as string, 'hex').toString();
    assert(reason.startsWith(text), text);
    seen.add(text);
  }
  assert.deepEqual([...seen], ['', 'a', 'aж', 'aж€', reason]);
});

test('a long reason fills the room', () => {
  assert.equal(close(100, false, 'x'.repeat(500)).length, 100);
});

test('a reason of no characters at all, too long, is left out', () => {
  const reason = new Uint8Array(10).fill(0x80);
  assert.equal(hex(written((buf, at) => writeConnectionClose(buf, at, at + 8, false, 10, 6, reason))), '1c0a0600');
});
