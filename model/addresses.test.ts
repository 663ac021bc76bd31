import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  deviceIpv6,
  firstFree,
  type Ipv4Range,
  inRange,
  ipv4ToNumber,
  networkPrefix,
  numberToIpv4,
  parsePool,
  uniqueLocalPrefix,
} from './addresses.ts';

test('IPv4 text and numbers', () => {
  fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(numberToIpv4(ipv4ToNumber(text) as number), text)));
  const nearly = fc.array(fc.constantFrom('0', '00', '1', '255', '256', '-1', '', 'x'), { minLength: 3, maxLength: 5 });
  fc.assert(
    fc.property(nearly, (parts) => assert.equal(ipv4ToNumber(parts.join('.')) !== undefined, isIPv4(parts.join('.')))),
  );
});

test('pools leave out the network, the edge and broadcast', () => {
  const range = parsePool('10.64.0.0/29') as Ipv4Range;
  assert.deepEqual([numberToIpv4(range.first), numberToIpv4(range.last)], ['10.64.0.2', '10.64.0.6']);
  assert.equal(inRange(range, ipv4ToNumber('10.64.0.7') as number), false);
  assert.equal(inRange(range, ipv4ToNumber('10.64.0.2') as number), true);
});

test('what is no pool is told in one sentence', () => {
  for (const bad of [
    '',
    '10.0.0.0',
    '10.0.0.0/30',
    '10.0.0.0/7',
    '10.0.0.1/24',
    '8.8.8.0/24',
    '172.32.0.0/16',
    '10.0.0.0/24x',
  ]) {
    assert.match(parsePool(bad) as string, /^ipv4_pool .+/, bad);
  }
  assert.match(parsePool('10.0.0.9/24') as string, /10\.0\.0\.0\/24/);
});

test('the first free address, until there is none', () => {
  const range = parsePool('10.64.0.0/29') as Ipv4Range;
  const taken = new Set<number>();
  const given: string[] = [];
  for (let next = firstFree(range, taken); next !== undefined; next = firstFree(range, taken)) {
    taken.add(next);
    given.push(numberToIpv4(next));
  }
  assert.deepEqual(given, ['10.64.0.2', '10.64.0.3', '10.64.0.4', '10.64.0.5', '10.64.0.6']);
});

test('IPv6 of an installation, its networks and their devices', () => {
  const installation = uniqueLocalPrefix(Uint8Array.of(0x12, 0x00, 0xab, 0xcd, 0xef));
  assert.equal(installation, 'fd12:ab:cdef::/48');
  assert.equal(networkPrefix(installation, 0x2a), 'fd12:ab:cdef:2a::/64');
  const device = deviceIpv6('fd12:ab:cdef:2a::/64', ipv4ToNumber('10.64.0.2') as number);
  assert.equal(device, 'fd12:ab:cdef:2a::a40:2');
  assert.ok(isIPv6(device));
  assert.throws(() => networkPrefix(installation, 65536), RangeError);
  assert.throws(() => networkPrefix('2001:db8::/48', 1), RangeError);
  assert.throws(() => deviceIpv6('fd00::/48', 1), RangeError);
});
