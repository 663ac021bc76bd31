import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpAddress, formatPrefix, parseIpAddress, parsePrefix } from './text.ts';

test('RFC 5952 examples', () => {
  const cases = {
    '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '2001:DB8::AbCd': '2001:db8::abcd',
    '::': '::',
    '::1': '::1',
    '1::': '1::',
    '::ffff:192.0.2.1': '::ffff:c000:201',
  };
  for (const [from, to] of Object.entries(cases)) assert.equal(formatIpAddress(parseIpAddress(from) as Uint8Array), to);
});

test('agrees with the platform about what an address is', () => {
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', '.', '2', '5', '::', ' '), maxLength: 20 }),
    fc
      .array(fc.constantFrom('0', '12', 'ffff', '', '256', '01', '1.2.3.4', 'g'), { maxLength: 10 })
      .map((a) => a.join(':')),
  );
  fc.assert(
    fc.property(text, (input) => {
      const bytes = parseIpAddress(input);
      assert.equal(bytes !== undefined, isIPv4(input) || isIPv6(input), input);
      if (bytes) assert.deepEqual(parseIpAddress(formatIpAddress(bytes)), bytes);
    }),
    { numRuns: 5000 },
  );
});

test('prefixes', () => {
  for (const good of ['10.64.0.0/10', '0.0.0.0/0', '2001:db8::/32', '::/0', '10.0.0.1/32']) {
    assert.equal(formatPrefix(parsePrefix(good)!), good);
  }
  assert.equal(formatPrefix(parsePrefix('10.0.0.1')!), '10.0.0.1/32');
  for (const bad of [
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0/8',
    '2001:db8::1/64',
    '',
  ]) {
    assert.equal(parsePrefix(bad), undefined, bad);
  }
});

test('prefixes of every length, the last bit that may be set and the first that may not', () => {
  for (const [bytes, most] of [
    [4, 32],
    [16, 128],
  ] as const) {
    for (let length = 0; length <= most; length++) {
      const address = new Uint8Array(bytes);
      const setBit = (bit: number) => (address[bit >> 3] = 0x80 >> (bit & 7));
      if (length > 0) setBit(length - 1);
      const text = `${formatIpAddress(address)}/${length}`;
      assert.deepEqual(parsePrefix(text), { address, length }, text);
      if (length === most) continue;
      address.fill(0);
      setBit(length);
      assert.equal(parsePrefix(`${formatIpAddress(address)}/${length}`), undefined, text);
    }
  }
  for (const bad of ['0.0.0.0/00', '0.0.0.0/08', '::/0128', '::/1000', '/0', '0.0.0.0/', '0.0.0.0/8/8', '0.0.0.0/8 ']) {
    assert.equal(parsePrefix(bad), undefined, bad);
  }
});
