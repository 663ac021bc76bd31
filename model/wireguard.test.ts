import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isReachableAddress,
  isUsablePublicKey,
  parseWireguardEndpoint,
  wireguardEndpointText,
  wireguardKey,
  wireguardKeyText,
} from './wireguard.ts';

test('keys are 32 bytes in base64, in one form', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      const text = wireguardKeyText(key);
      assert.equal(text, Buffer.from(key).toString('base64'));
      assert.deepEqual(wireguardKey(text), Uint8Array.from(key));
    }),
  );
  const text = wireguardKeyText(new Uint8Array(32));
  for (const wrong of [
    '',
    text.slice(1),
    `${text}=`,
    text.replace('=', ''),
    `${text.slice(0, 42)}B=`,
    ` ${text}`,
    `-${text.slice(1)}`,
  ])
    assert.equal(wireguardKey(wrong), undefined, wrong);
});

/** RFC 8410 §4: what stands before the 32 bytes of an X25519 public key. */
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex');

test('points of small order are no keys: OpenSSL agrees on nothing with them', () => {
  const { privateKey } = generateKeyPairSync('x25519');
  const agrees = (key: Uint8Array): boolean => {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_X25519, key]), format: 'der', type: 'spki' });
    try {
      diffieHellman({ privateKey, publicKey });
      return true;
    } catch {
      return false;
    }
  };
  const prime = (2n ** 255n - 19n).toString(16).padStart(64, '0');
  const reversed = (hex: string, add = 0): Uint8Array => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex')).reverse();
    bytes[0] = (bytes[0] as number) + add;
    return bytes;
  };
  const small = [
    reversed('00'.repeat(32)),
    reversed('00'.repeat(32), 1),
    ...[-1, 0, 1].map((add) => reversed(prime, add)),
    Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'),
    Buffer.from('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157', 'hex'),
  ];
  for (const key of small)
    for (const last of [0, 0x80]) {
      const other = Uint8Array.from(key);
      other[31] = (other[31] as number) | last;
      assert.deepEqual([isUsablePublicKey(other), agrees(other)], [false, false], Buffer.from(other).toString('hex'));
    }
  const { x } = createPublicKey(createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }))).export({
    format: 'jwk',
  });
  const own = Uint8Array.from(Buffer.from(x ?? '', 'base64url'));
  assert.deepEqual([isUsablePublicKey(own), agrees(own)], [true, true]);
});

test('endpoints are an address or a name and a port, in one form', () => {
  for (const [text, form] of [
    ['192.0.2.1:51820', '192.0.2.1:51820'],
    ['[2001:DB8::0:1]:1', '[2001:db8::1]:1'],
    ['Edge.Example:65535', 'edge.example:65535'],
    ['localhost:1', 'localhost:1'],
  ] as const) {
    const endpoint = parseWireguardEndpoint(text);
    assert.equal(endpoint && wireguardEndpointText(endpoint), form);
  }
  for (const text of [
    '',
    ':1',
    '192.0.2.1',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1:01',
    '2001:db8::1:51820',
    '[192.0.2.1]:1',
    '[edge.example]:1',
    '192.0.2:1',
    '192.0.2.256:1',
    '-a.example:1',
    'a..b:1',
    `${'a'.repeat(64)}:1`,
    'a b:1',
    '[::1]',
    'a:1\n',
  ])
    assert.equal(parseWireguardEndpoint(text), undefined, text);
});

test('what leads nowhere from elsewhere is known', () => {
  for (const address of [
    '0.0.0.0',
    '127.0.0.1',
    '169.254.1.1',
    '224.0.0.1',
    '239.1.1.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'ff02::1',
    '::ffff:c000:201',
  ])
    assert.equal(isReachableAddress(address), false, address);
  for (const address of ['10.0.0.1', '192.0.2.1', '100.64.0.1', '223.255.255.255', '2001:db8::1', 'fd00::1'])
    assert.equal(isReachableAddress(address), true, address);
});
