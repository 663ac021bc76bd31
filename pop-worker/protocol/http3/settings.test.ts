import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkNotLowered,
  encodeSettings,
  type Http3Settings,
  INITIAL_SETTINGS,
  MAX_SETTINGS_BYTES,
  parseSettings,
} from './settings.ts';
import { PayloadReader } from './varint.ts';

const FULL: Http3Settings = {
  maxFieldSectionBytes: 16_384,
  qpackMaxTableCapacity: 4096,
  qpackBlockedStreams: 16,
  enableConnectProtocol: true,
  h3Datagram: true,
};

const encoded = (settings: Http3Settings, grease: number): number[] => {
  const bytes = encodeSettings(settings, grease);
  const reader = new PayloadReader(bytes, 0, bytes.length);
  const numbers: number[] = [];
  while (reader.remaining > 0) numbers.push(reader.varint());
  return numbers;
};

test('settings come back as they were', () => {
  for (const settings of [FULL, INITIAL_SETTINGS]) {
    const bytes = encodeSettings(settings, 3);
    assert.deepEqual(parseSettings(bytes, 0, bytes.length), settings);
  }
});

test('defaults are left out, a reserved setting is not (RFC 9114 §7.2.4.1)', () => {
  assert.deepEqual(encoded(INITIAL_SETTINGS, 0), [0x21, 0]);
  assert.deepEqual(encoded(INITIAL_SETTINGS, 2), [0x5f, 2]);
  assert.deepEqual(encoded({ ...INITIAL_SETTINGS, qpackBlockedStreams: 1 }, 0), [7, 1, 0x21, 0]);
});

test('more than 4096 bytes of settings are too many', () => assert.equal(MAX_SETTINGS_BYTES, 4096));

test('a table capacity that was remembered stays as it was, none may become one (RFC 9204 §3.2.3)', () => {
  assert.throws(() => checkNotLowered(FULL, { ...FULL, qpackMaxTableCapacity: 4097 }), { code: 0x202 });
  checkNotLowered({ ...FULL, qpackMaxTableCapacity: 0 }, FULL);
});

test('each setting may be raised for a resumed session, none lowered (RFC 9114 §7.2.4.2)', () => {
  checkNotLowered(FULL, FULL);
  checkNotLowered({ ...INITIAL_SETTINGS, maxFieldSectionBytes: 0 }, FULL);
  for (const [key, value] of Object.entries({ ...INITIAL_SETTINGS, maxFieldSectionBytes: 16_383 })) {
    const code = key === 'qpackMaxTableCapacity' ? 0x202 : 0x109;
    assert.throws(() => checkNotLowered(FULL, { ...FULL, [key]: value }), { code, fault: 'remote' }, key);
  }
});
