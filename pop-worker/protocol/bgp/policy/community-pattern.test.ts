import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommunityPattern } from './community-pattern.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

const is = (text: string, hex: string): boolean => {
  const pattern = parseCommunityPattern(text);
  assert.ok(pattern !== undefined, text);
  const value = bytes(hex);
  assert.equal(value.length, pattern.bytes);
  const buffer = Uint8Array.of(0xff, ...value, 0xff);
  if (pattern.exact !== undefined) assert.ok(pattern.test(pattern.exact, 0));
  return pattern.test(buffer, 1);
};

test('extended communities: targets and origins of all three types', () => {
  assert.ok(is('rt:64500:100', '0002 fbf4 00000064'));
  assert.ok(is('rt:64500:100', '0202 0000fbf4 0064'));
  assert.ok(!is('rt:64500:100', '0102 0000fbf4 0064'));
  assert.ok(!is('ro:64500:100', '0002 fbf4 00000064'));
  assert.ok(is('ro:64500:*', '0003 fbf4 12345678'));
  assert.ok(!is('ro:64500:1-99', '0003 fbf4 00000064'));
  assert.ok(is('rt:192.0.2.1:7', '0102 c0000201 0007'));
  assert.ok(!is('rt:192.0.2.1:7', '0202 c0000201 0007'));
  assert.ok(!is('rt:192.0.2.1:7', '0002 c000 00000007'));
  assert.ok(is('0x0002fbf400000064', '0002 fbf4 00000064'));
  assert.ok(!is('0x0002fbf400000064', '0002 fbf4 00000065'));
});

test('large communities', () => {
  assert.ok(is('64500:1:100', '0000fbf4 00000001 00000064'));
  assert.ok(!is('64500:1:100', '0000fbf4 00000001 00000065'));
  assert.ok(!is('64500:1:100', '0000fbf4 00000002 00000064'));
  assert.ok(!is('64500:1:100', '0000fbf5 00000001 00000064'));
  assert.ok(is('4294967295:*:0-9', 'ffffffff 80000000 00000009'));
});

test('what is added, byte by byte', () => {
  const exact = (text: string) => Buffer.from(parseCommunityPattern(text)?.exact ?? []).toString('hex');
  assert.deepEqual(
    ['64500:100', 'no-export', 'rt:64500:4294967295', 'ro:70000:65535', 'rt:192.0.2.1:7', '1:2:3'].map(exact),
    ['fbf40064', 'ffffff01', '0002fbf4ffffffff', '020300011170ffff', '0102c00002010007', '000000010000000200000003'],
  );
  for (const text of ['64500:*', '1:2:3-4', 'rt:1:*', 'rt:70000:65536', 'rt:192.0.2.1:65536'])
    assert.equal(parseCommunityPattern(text)?.exact, undefined, text);
});

test('what is no community', () => {
  const texts = ['', '1', '65536:1', '1:65536', '1:2:3:4', '1:', ':1', '01:1', '1:2-1', 'rt:1', 'rt:1:2:3', 'rt:x:1'];
  for (const text of [...texts, '0x00', '0xzz02fbf400000064', 'NO-EXPORT', '1:4294967296:1', 'rt:4294967296:1', 'a:b'])
    assert.equal(parseCommunityPattern(text), undefined, text);
});
