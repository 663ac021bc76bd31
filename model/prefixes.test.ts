import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  canonicalAddress,
  canonicalNeighbor,
  canonicalPrefix,
  unannounceable,
  unreachableNeighbor,
} from './prefixes.ts';

test('addresses have one form (RFC 5952)', () => {
  assert.equal(canonicalAddress('198.51.100.1'), '198.51.100.1');
  assert.equal(canonicalAddress('2001:0DB8:0:0:0:0:0:1'), '2001:db8::1');
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.04',
    'router',
    '2001:db8',
    '[::1]',
    '::1/64',
    '::1 ',
    '2001:db8::1%eth0',
    ':::',
  ])
    assert.equal(canonicalAddress(text), undefined, text);
});

test('a neighbour by its link-local address is one of an interface, any other of none', () => {
  assert.equal(canonicalNeighbor('FE80::1%eth0'), 'fe80::1%eth0');
  assert.equal(canonicalNeighbor('2001:DB8::1'), '2001:db8::1');
  for (const text of ['fe80::1', 'fe80::1%', 'fe80::1%a/b', 'fe80::1%eth0%1', '2001:db8::1%eth0', '1.2.3.4%eth0'])
    assert.equal(canonicalNeighbor(text), undefined, text);
});

test('no router has an address that is none of one host', () => {
  for (const neighbor of ['198.51.100.1', '10.0.0.1', '169.254.7.1', 'fe80::1%eth0', '2001:db8::1', 'fd00::1'])
    assert.equal(unreachableNeighbor(neighbor), undefined, neighbor);
  const wrong = {
    ...{ '0.0.0.0': 'this network', '127.0.0.1': 'loopback', '224.0.0.1': 'multicast', '255.255.255.255': 'reserved' },
    ...{ '::': 'reserved', '::1': 'loopback', 'ff02::1': 'multicast', '::ffff:c000:201': 'reserved' },
  };
  for (const [neighbor, reason] of Object.entries(wrong))
    assert.match(unreachableNeighbor(neighbor) ?? '', new RegExp(reason), neighbor);
});

test('prefixes have one form', () => {
  assert.equal(canonicalPrefix('192.0.2.0/24'), '192.0.2.0/24');
  assert.equal(canonicalPrefix('2001:DB8:0:0::/48'), '2001:db8::/48');
});

test('what leads to nobody is not announced', () => {
  for (const prefix of [
    '192.0.2.0/24',
    '10.0.0.0/8',
    '203.0.113.7/32',
    '2001:db8:a::/48',
    'fd00::/8',
    'fd12:3456::/32',
  ])
    assert.equal(unannounceable(prefix), undefined, prefix);
  const wrong = {
    ...{ '0.0.0.0/0': 'shorter than /8', '::/0': 'shorter than /8', '8.0.0.0/7': 'shorter than /8' },
    ...{ '0.1.0.0/16': 'this network', '127.0.0.0/8': 'loopback', '127.1.2.3/32': 'loopback', '::1/128': 'loopback' },
    ...{ '169.254.7.0/24': 'link-local', 'fe80::/10': 'link-local', 'febf::/16': 'link-local' },
    ...{
      '224.0.0.0/8': 'multicast',
      '239.1.1.1/32': 'multicast',
      'ff02::1/128': 'multicast',
      '240.0.0.0/8': 'reserved',
    },
  };
  for (const [prefix, reason] of Object.entries(wrong))
    assert.match(unannounceable(prefix) ?? '', new RegExp(reason), prefix);
});
