import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabError } from '../errors.ts';
import { ipBatches, parseWgQuick } from './wg-quick.ts';

const file = (allowed: string): string =>
  [
    ...['# acme/tablet', '[Interface]', 'PrivateKey = x', 'Address = 10.64.0.6/32, fd00::6/128', 'MTU = 1400', ''],
    ...['[Peer]', 'PublicKey = y', `AllowedIPs = ${allowed}`, 'Endpoint = 192.0.2.1:51820', ''],
  ].join('\n');

test('a file is read as wg-quick reads it', () => {
  assert.deepEqual(parseWgQuick(file('10.64.0.0/24,fd00::/64')), {
    addresses: ['10.64.0.6/32', 'fd00::6/128'],
    mtu: 1400,
    allowedIps: ['10.64.0.0/24', 'fd00::/64'],
    endpoint: '192.0.2.1:51820',
  });
});

test('networks get a route each, everything a table that the messages of the tunnel itself pass by', () => {
  const some = ipBatches('wg0', parseWgQuick(file('10.64.0.0/24, fd00::/64')));
  assert.equal(some.v4, 'address add 10.64.0.6/32 dev wg0\nlink set wg0 mtu 1400 up\nroute add 10.64.0.0/24 dev wg0\n');
  assert.equal(some.v6, 'address add fd00::6/128 dev wg0 nodad\nroute add fd00::/64 dev wg0\n');
  for (const batch of Object.values(ipBatches('wg0', parseWgQuick(file('0.0.0.0/0, ::/0'))))) {
    assert.match(batch, /^route add default dev wg0 table 51820$/m);
    assert.match(batch, /^rule add not fwmark 51820 table 51820$/m);
    assert.match(batch, /^rule add table main suppress_prefixlength 0$/m);
  }
});

test('a file that lacks something is refused, without what is in it', () => {
  for (const key of ['Address', 'MTU', 'AllowedIPs', 'Endpoint']) {
    const text = file('::/0').replace(new RegExp(`^${key} = .*$`, 'm'), '');
    assert.throws(
      () => parseWgQuick(text),
      (error) => error instanceof LabError && /lacks/.test(error.message) && !error.message.includes('10.64'),
    );
  }
});
