import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Community,
  communityText,
  extendedCommunityText,
  parseCommunity,
  parseLargeCommunity,
} from '../communities.ts';
import { familyName } from '../families.ts';
import { unhex } from '../testing/hex.ts';
import { ATTRIBUTES, attributeRow } from './table.ts';
import { attributesText } from './text.ts';

test('every attribute has its text', () => {
  const bytes =
    unhex(`400101 02 400214 0202 0000fbf4 fa56ea01 0102 00000007 00000008 800404 00000032 400504 ffffffff 400600
    c00708 fa56ea01 0a000001 c00808 fbf40064 ffffff01 800904 0a000009 800a08 0a000001 c0a80102
    c01010 0002fbf400000007 8006000000000000 c01914 000220010db8${'00'.repeat(13)}07 c0200c 0000fbf4ffffffff00000002
    c02304 0000fbf4 e06302 0102`);
  assert.deepEqual(attributesText(bytes, 0, bytes.length), [
    ['ORIGIN', 'incomplete'],
    ['AS_PATH', '64500 4200000001 {7 8}'],
    ['MULTI_EXIT_DISC', '50'],
    ['LOCAL_PREF', '4294967295'],
    ['ATOMIC_AGGREGATE', 'yes'],
    ['AGGREGATOR', '4200000001 10.0.0.1'],
    ['COMMUNITIES', '64500:100 no-export'],
    ['ORIGINATOR_ID', '10.0.0.9'],
    ['CLUSTER_LIST', '10.0.0.1 192.168.1.2'],
    ['EXTENDED_COMMUNITIES', 'rt:64500:7 0x8006000000000000'],
    ['IPV6_EXTENDED_COMMUNITIES', `0x000220010db8${'00'.repeat(13)}07`],
    ['LARGE_COMMUNITIES', '64500:4294967295:2'],
    ['ONLY_TO_CUSTOMER', '64500'],
    ['attribute 99', '0x0102'],
  ]);
  const long = unhex(`d0080100 ${'fbf40064'.repeat(64)}`);
  assert.equal(attributesText(long, 0, long.length)[0]![1].split(' ').length, 64);
});

test('those that no canonical set has, too', () => {
  const text = (code: number, value: string): string | undefined => {
    const bytes = unhex(value);
    return attributeRow(code)?.text(bytes, 0, bytes.length);
  };
  assert.equal(text(3, 'c0000201'), '192.0.2.1');
  assert.equal(text(14, '000201 10'), 'ipv6-unicast');
  assert.equal(text(15, '000185'), 'ipv4-flow');
  assert.equal(text(17, '0201 fa56ea01'), '4200000001');
  assert.equal(text(18, 'fa56ea01 0a000001'), '4200000001 10.0.0.1');
  assert.equal(text(1, '07'), '');
  assert.equal(attributeRow(99), undefined);
});

test('each code is there once', () => {
  assert.equal(new Set(ATTRIBUTES.map(({ code }) => code)).size, ATTRIBUTES.length);
  for (const row of ATTRIBUTES) assert.equal(attributeRow(row.code), row);
});

test('well-known communities have names, others numbers, and both are read', () => {
  for (const value of [...Object.values(Community), 0, 1, 0xfbf40064, 0xffffffff]) {
    assert.equal(parseCommunity(communityText(value)), value);
  }
  const names = ['graceful-shutdown', 'llgr-stale', 'no-llgr', 'blackhole', 'no-export', 'no-advertise'];
  const values = [0xffff0000, 0xffff0006, 0xffff0007, 0xffff029a, 0xffffff01, 0xffffff02, 0xffffff03, 0xffffff04];
  assert.deepEqual(values.map(communityText), [...names, 'no-export-subconfed', 'no-peer']);
  assert.equal(communityText(0xfbf40064), '64500:100');
  for (const wrong of ['', '1', '1:2:3', '65536:1', '1:65536', '01:1', '1:', ':1', '-1:1', 'a:b', '1 :2', 'no-such']) {
    assert.equal(parseCommunity(wrong), undefined, wrong);
  }
});

test('large communities are read in their canonical form (RFC 8092 §5)', () => {
  assert.deepEqual(parseLargeCommunity('64496:4294967295:2'), [64_496, 4_294_967_295, 2]);
  assert.deepEqual(parseLargeCommunity('0:0:0'), [0, 0, 0]);
  for (const wrong of ['', '1:2', '1:2:3:4', '4294967296:0:0', '01:0:0', '1:2:', '1:x:3']) {
    assert.equal(parseLargeCommunity(wrong), undefined, wrong);
  }
});

test('extended communities of the three administrators (RFC 4360 §3, §4, §5, RFC 5668 §2)', () => {
  const rows: [string, string][] = [
    ['0002 fbf4 00000007', 'rt:64500:7'],
    ['0003 fbf4 ffffffff', 'ro:64500:4294967295'],
    ['0102 c0000201 0007', 'rt:192.0.2.1:7'],
    ['0202 fa56ea01 0007', 'rt:4200000001:7'],
    ['0302 fa56ea01 0007', '0x0302fa56ea010007'],
    ['0004 fbf4 00000007', '0x0004fbf400000007'],
  ];
  for (const [bytes, text] of rows) assert.equal(extendedCommunityText(unhex(bytes), 0), text);
});

test('families have names', () => {
  assert.deepEqual([0x0101, 0x0201, 0x0185, 0x0285, 0x1946].map(familyName), [
    'ipv4-unicast',
    'ipv6-unicast',
    'ipv4-flow',
    'ipv6-flow',
    'afi-25-safi-70',
  ]);
});
