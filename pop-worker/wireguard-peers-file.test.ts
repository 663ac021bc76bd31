import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '#settings/toml-file.ts';
import { parseWireGuardPeers } from './wireguard-peers-file.ts';

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const PEER = { tenant: 'acme', device: 'phone', number: 1, publicKey: key(1), sources: ['10.64.0.2/32'] };

const wrong = (value: unknown): string => {
  try {
    parseWireGuardPeers(typeof value === 'string' ? value : JSON.stringify(value), 'peers.json');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('it was taken');
};

test('what may be left out has defaults; all else is as it is written', () => {
  const site = {
    ...{ tenant: 'acme', device: 'site', number: 2 ** 24 - 1, publicKey: key(2), presharedKey: key(3) },
    ...{ sources: ['10.64.0.3/32', 'fd00:1::3/128', '10.70.0.0/24'], egress: false, keepaliveSeconds: 65_535 },
    endpoint: '[2001:db8::7]:51820',
    ...{ site: 'berlin', metric: 255, probe: '10.70.0.1' },
  };
  const bytes = (fill: number) => new Uint8Array(32).fill(fill);
  const [one, other] = parseWireGuardPeers(JSON.stringify([PEER, site]), 'peers.json');
  assert.deepEqual(one, { ...PEER, publicKey: bytes(1), egress: true });
  const endpoint = { address: '2001:db8::7', port: 51_820 };
  assert.deepEqual(other, { ...site, publicKey: bytes(2), presharedKey: bytes(3), endpoint });
});

test('each mistake is named with its place, and no key with it', () => {
  for (const [change, message] of [
    [{ tenant: 'Acme' }, /peers\.json: 0\.tenant: must be lower-case/],
    [{ device: '' }, /0\.device: must be lower-case/],
    [{ number: 2 ** 24 }, /0\.number/],
    [{ number: -1 }, /0\.number/],
    [{ number: 1.5 }, /0\.number/],
    [{ publicKey: key(1).slice(1) }, /0\.publicKey: must be a key of 32 bytes in base64/],
    [{ publicKey: 7 }, /0\.publicKey/],
    [{ presharedKey: 'AAAA' }, /0\.presharedKey: must be a key/],
    [{ sources: [] }, /0\.sources/],
    [{ sources: ['10.64.0.1/10'] }, /0\.sources\.0: must be a prefix/],
    [{ egress: 'yes' }, /0\.egress: must be true or false/],
    [{ endpoint: 'host.example:51820' }, /0\.endpoint: must be an IP address and a port/],
    [{ endpoint: '192.0.2.1:0' }, /0\.endpoint: must be an IP address and a port/],
    [{ endpoint: '192.0.2.1' }, /0\.endpoint: must be host:port/],
    [{ keepaliveSeconds: 0 }, /0\.keepaliveSeconds/],
    [{ keepaliveSeconds: 65_536 }, /0\.keepaliveSeconds/],
    [{ site: 'Berlin' }, /0\.site: must be lower-case/],
    [{ metric: 256 }, /0\.metric/],
    [{ probe: 'router' }, /0\.probe/],
    [{ sources: Array.from({ length: 67 }, (_, i) => `10.0.${i}.0/24`) }, /0\.sources/],
    [{ privateKey: key(5) }, /there is no setting 0\.privateKey/],
  ] as const) {
    const text = wrong([{ ...PEER, ...change }]);
    assert.match(text, message);
    assert.ok(!text.includes(key(1)) && !text.includes(key(5)), text);
  }
  assert.match(wrong({}), /must be a list/);
  assert.match(wrong('['), /peers\.json/);
});

test('numbers, keys and devices are one peer’s alone', () => {
  const other = { ...PEER, device: 'other', number: 2, publicKey: key(2) };
  assert.equal(parseWireGuardPeers(JSON.stringify([PEER, other]), 'peers.json').length, 2);
  assert.match(wrong([PEER, { ...other, number: 1 }]), /two peers have the number 1$/);
  assert.match(wrong([PEER, { ...other, publicKey: key(1) }]), /two peers have the public key of other$/);
  assert.match(wrong([PEER, { ...other, device: 'phone' }]), /two peers have the device acme\/phone$/);
  const elsewhere = parseWireGuardPeers(JSON.stringify([PEER, { ...other, tenant: 'blue', device: 'phone' }]), 'x');
  assert.equal(elsewhere.length, 2);
});

test('any text is taken or refused with a ConfigError', () => {
  const values = fc.oneof(
    fc.string(),
    fc.json(),
    fc.array(fc.integer()).map((numbers) => JSON.stringify(numbers.map((number) => ({ ...PEER, number })))),
  );
  fc.assert(
    fc.property(values, (text) => {
      try {
        parseWireGuardPeers(text, 'peers.json');
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
  );
});
