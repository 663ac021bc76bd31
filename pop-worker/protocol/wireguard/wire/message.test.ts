import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COOKIE_REPLY } from './cookie-reply.ts';
import { INITIATION } from './initiation.ts';
import { MessageType, messageType, readWord, writeWord } from './message.ts';
import { RESPONSE } from './response.ts';
import { paddedLength, TRANSPORT } from './transport.ts';

const LENGTHS = { 1: 148, 2: 92, 3: 64 } as const;

test('a type goes with its length only: every length from none to beyond the longest', () => {
  const bytes = new Uint8Array(2000);
  for (let type = 0; type < 256; type++) {
    bytes[0] = type;
    for (const length of [0, 1, 3, 4, 16, 31, 32, 33, 63, 64, 65, 91, 92, 93, 147, 148, 149, 1500]) {
      const fits = type === 4 ? length >= 32 : LENGTHS[type as 1] === length;
      assert.equal(messageType(bytes, 0, length), fits ? type : MessageType.none, `${type}, ${length}`);
    }
  }
});

test('the fields lie where the paper has them (§5.4)', () => {
  assert.deepEqual(INITIATION, { sender: 4, ephemeral: 8, static: 40, timestamp: 88, mac1: 116, mac2: 132 });
  assert.deepEqual(RESPONSE, { sender: 4, receiver: 8, ephemeral: 12, empty: 44, mac1: 60, mac2: 76 });
  assert.deepEqual(COOKIE_REPLY, { receiver: 4, nonce: 8, cookie: 32 });
  assert.deepEqual(TRANSPORT, { receiver: 4, counterLow: 8, counterHigh: 12, content: 16 });
  assert.deepEqual(MessageType, { none: 0, initiation: 1, response: 2, cookieReply: 3, transport: 4 });
});

test('the reserved bytes are zero', () => {
  for (const at of [1, 2, 3]) {
    const bytes = new Uint8Array(148);
    bytes[0] = 1;
    bytes[at] = 1;
    assert.equal(messageType(bytes, 0, 148), MessageType.none);
    bytes[0] = 4;
    assert.equal(messageType(bytes, 0, 148), MessageType.none);
  }
});

test('words are little-endian and unsigned', () => {
  const bytes = new Uint8Array(6);
  writeWord(bytes, 1, 0xfedcba98);
  assert.deepEqual([...bytes], [0, 0x98, 0xba, 0xdc, 0xfe, 0]);
  assert.equal(readWord(bytes, 1), 0xfedcba98);
});

test('padding is less than 16 bytes, to a multiple of them unless the MTU is nearer', () => {
  fc.assert(
    fc.property(fc.nat(70_000), fc.integer({ min: 1280, max: 65_535 }), (length, mtu) => {
      const padded = paddedLength(length, mtu);
      assert.ok(padded >= length && padded - length < 16);
      assert.ok(padded % 16 === 0 || padded === mtu || padded === length);
      assert.ok(padded <= mtu || padded === length);
    }),
  );
  assert.equal(paddedLength(0, 1420), 0);
});
