import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { prohibition } from '#protocol/masque/target-policy.ts';
import { refusedTables } from './refused.ts';

const prefixes = (...texts: string[]): Prefix[] => texts.map((text) => parsePrefix(text) as Prefix);
const judge = (address: string, refused: Prefix[], allowed: Prefix[]): boolean => {
  const { refused4, refused6 } = refusedTables(refused, allowed);
  const bytes = parseIpAddress(address) as Uint8Array;
  return (bytes.length === 4 ? refused4 : refused6).lookup(bytes, 0) > 0;
};

test('metadata, loopback and what the configuration adds are refused, exceptions are not', () => {
  const refused = prefixes('192.168.0.0/16', '2001:db8:bad::/48');
  const allowed = prefixes('192.168.7.0/24', '169.254.0.0/16');
  for (const address of ['127.0.0.1', '192.168.1.1', '2001:db8:bad::1', 'fe80::1', '224.0.0.1']) {
    assert.equal(judge(address, refused, allowed), true, address);
  }
  for (const address of ['203.0.113.1', '192.168.7.9', '169.254.169.254', '2001:db8::1']) {
    assert.equal(judge(address, refused, allowed), false, address);
  }
});

test('packets and proxied connections are refused by the same rules', () => {
  const text = fc.oneof(
    fc.ipV4(),
    fc.constantFrom('127.0.0.1', '169.254.1.1', '169.254.169.254', '192.168.7.1', '192.168.9.1', '240.0.0.1'),
    fc.constantFrom('fe80::5', 'ff02::1', 'fd00::1', '2001:db8::1', 'fd00:ec2::254'),
  );
  const some = fc.subarray(['192.168.0.0/16', '192.168.7.0/24', '169.254.0.0/16', '10.0.0.0/8', 'fd00::/8']);
  fc.assert(
    fc.property(text, some, some, (address, refused, allowed) => {
      const bytes = parseIpAddress(address) as Uint8Array;
      const policy = { deny: prefixes(...refused), allow: prefixes(...allowed) };
      assert.equal(judge(address, [...policy.deny], [...policy.allow]), prohibition(bytes, policy) !== undefined);
    }),
    { numRuns: 2000 },
  );
});
