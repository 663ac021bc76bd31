import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prefixRange } from './ip-range.ts';
import { endpointRefusal, neverEndpoint } from './wireguard-endpoint.ts';

const refusal = (address: string, ranges: readonly string[] = [], own: readonly string[] = []) =>
  endpointRefusal(address, ranges, own);

test('workers begin at public addresses', () => {
  for (const address of ['203.0.113.9', '198.51.100.7', '2001:db8::9', '2a00:1450::1'])
    assert.equal(refusal(address), undefined, address);
});

test('nobody can allow this machine, its link, multicast, or an address that hides another one', () => {
  for (const address of [
    ...['0.0.0.0', '127.0.0.1', '169.254.169.254', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fec0::1'],
    ...['ff02::1', '::ffff:7f00:1', '64:ff9b::7f00:1', '2002:7f00:1::1', '2001::1', '100::1'],
  ]) {
    assert.match(refusal(address, ['0.0.0.0/0', '::/0']) ?? '', /: no worker begins there$/, address);
    assert.ok(neverEndpoint(prefixRange(`${address}/${address.includes(':') ? 128 : 32}`)), address);
  }
});

test('private space is an operator’s to allow, range by range, and the edge’s own addresses nobody’s', () => {
  for (const address of ['10.0.0.1', '172.31.0.1', '192.168.1.1', '100.64.0.1', '192.0.0.8', '198.18.0.1', 'fd00::1']) {
    assert.match(refusal(address) ?? '', /an operator allows/, address);
    const range = address.includes(':') ? 'fd00::/16' : `${address.split('.')[0]}.0.0.0/8`;
    assert.equal(refusal(address, [range]), undefined, address);
  }
  for (const own of ['203.0.113.9', '203.0.113.0/24']) assert.match(refusal('203.0.113.9', [], [own]) ?? '', /own/);
  assert.match(refusal('10.0.0.1', ['10.0.0.0/8'], ['10.0.0.1']) ?? '', /own/);
  assert.equal(refusal('site.example'), 'is no address');
});
