import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { type Prohibition, prohibition, type TargetPolicy } from './target-policy.ts';

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
};
const policy = (deny: string[] = [], allow: string[] = []): TargetPolicy => ({
  deny: deny.map(prefix),
  allow: allow.map(prefix),
});
const judge = (text: string, of = policy()): Prohibition | 'fine' => {
  const address = parseIpAddress(text);
  assert.ok(address !== undefined, text);
  return prohibition(address, of) ?? 'fine';
};

test('what is always refused (RFC 6890)', () => {
  const table: readonly (readonly [string, Prohibition | 'fine'])[] = [
    ['0.0.0.0', 'this-network'],
    ['0.1.2.3', 'this-network'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['128.0.0.0', 'fine'],
    ['169.253.255.255', 'fine'],
    ['169.254.0.1', 'link-local'],
    ['169.254.169.254', 'metadata'],
    ['169.255.0.0', 'fine'],
    ['100.100.100.200', 'metadata'],
    ['192.0.0.192', 'metadata'],
    ['223.255.255.255', 'fine'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['10.0.0.1', 'fine'],
    ['192.168.1.1', 'fine'],
    ['8.8.8.8', 'fine'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['100::1', 'discard'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'link-local'],
    ['fd00:ec2::254', 'metadata'],
    ['fd20:ce::254', 'metadata'],
    ['ff02::1', 'multicast'],
    ['fd00::1', 'fine'],
    ['2001:db8::1', 'fine'],
    ['2606:4700:4700::1111', 'fine'],
  ];
  for (const [address, expected] of table) assert.equal(judge(address), expected, address);
});

test('an IPv4 address is judged inside every wrapping', () => {
  const wrap = (a: string) => {
    const [w, x, y, z] = a.split('.').map((part) => Number(part).toString(16).padStart(2, '0')) as [
      string,
      string,
      string,
      string,
    ];
    const inverted = a.split('.').map((part) => (255 - Number(part)).toString(16).padStart(2, '0'));
    return [
      `::ffff:${a}`,
      `::${a}`,
      `::ffff:0:${a}`,
      `64:ff9b::${a}`,
      `64:ff9b:1::${a}`,
      `2002:${w}${x}:${y}${z}::1`,
      `2001:db8::5efe:${a}`,
      `2001:db8::200:5efe:${a}`,
      `2001:0:1:2:3:4:${inverted[0]}${inverted[1]}:${inverted[2]}${inverted[3]}`,
    ];
  };
  for (const wrapped of wrap('127.0.0.1')) assert.equal(judge(wrapped), 'loopback', wrapped);
  for (const wrapped of wrap('169.254.169.254')) assert.equal(judge(wrapped), 'metadata', wrapped);
  for (const wrapped of wrap('10.9.8.7')) assert.equal(judge(wrapped, policy(['10.9.0.0/16'])), 'configured', wrapped);
  for (const wrapped of wrap('8.8.8.8')) assert.equal(judge(wrapped), 'fine', wrapped);
});

test('configured prefixes, and the allow-list that goes before', () => {
  const strict = policy(['10.0.0.0/8', 'fd00::/8', '203.0.113.7/32']);
  assert.equal(judge('10.255.0.1', strict), 'configured');
  assert.equal(judge('11.0.0.0', strict), 'fine');
  assert.equal(judge('fd12::1', strict), 'configured');
  assert.equal(judge('203.0.113.7', strict), 'configured');
  assert.equal(judge('203.0.113.6', strict), 'fine');
  const lab = policy(['10.0.0.0/8'], ['127.0.0.1/32', '10.1.0.0/16', '::1/128']);
  assert.equal(judge('127.0.0.1', lab), 'fine');
  assert.equal(judge('127.0.0.2', lab), 'loopback');
  assert.equal(judge('10.1.2.3', lab), 'fine');
  assert.equal(judge('10.2.0.0', lab), 'configured');
  assert.equal(judge('::1', lab), 'fine');
  assert.equal(judge('::ffff:127.0.0.1', lab), 'loopback', 'only as it is, never wrapped');
});

test('a denied prefix of any length denies exactly what is in it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 32 }), (address, length) => {
      const masked = address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))));
      const deny = { deny: [{ address: masked, length }], allow: [] };
      assert.notEqual(prohibition(address, deny), undefined);
      if (length === 0) return;
      const outside = address.slice();
      const at = (length - 1) >> 3;
      outside[at] = (outside[at] as number) ^ (0x80 >> ((length - 1) & 7));
      assert.equal(prohibition(outside, deny), prohibition(outside, { deny: [], allow: [] }));
    }),
  );
});

test('what is no address is refused', () => {
  assert.equal(prohibition(new Uint8Array(5), policy()), 'not-an-address');
});
