import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOtherFrameOnRequest } from './frames.ts';

const FRAME_UNEXPECTED = 0x105;
const ID_ERROR = 0x108;

test('frames that belong elsewhere are refused on request streams, whoever sends them (RFC 9114 §7, table 1)', () => {
  for (const type of [0x03, 0x04, 0x07, 0x0d, 0xf0700, 0xf0701, 0x02, 0x06, 0x08, 0x09]) {
    for (const isServer of [true, false]) {
      const refused = { code: FRAME_UNEXPECTED, fault: 'remote' };
      assert.throws(() => checkOtherFrameOnRequest(type, isServer), refused, `0x${type.toString(16)}`);
    }
  }
});

test('a push is promised by no client, and to nobody who never allowed one', () => {
  assert.throws(() => checkOtherFrameOnRequest(0x05, true), { code: FRAME_UNEXPECTED });
  assert.throws(() => checkOtherFrameOnRequest(0x05, false), { code: ID_ERROR });
});

test('unknown frames are ignored (RFC 9114 §9)', () => {
  for (const type of [0x0a, 0x21, 0xf0702, 0xf06ff]) checkOtherFrameOnRequest(type, true);
});
