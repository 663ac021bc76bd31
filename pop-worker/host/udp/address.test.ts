import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressFamily, addressPort, sameAddress } from '#protocol/address.ts';
import { addressOf, formatAddress, formatHost, parseAddress } from './address.ts';

test('text becomes words in network order, as they lie in memory', () => {
  const words = addressOf('192.0.2.1', 443);
  assert.equal(addressFamily(words), 4);
  assert.equal(addressPort(words), 443);
  assert.deepEqual([...new Uint8Array(words.buffer, 8, 16)], [192, 0, 2, 1, ...Array(12).fill(0)]);
});

test('a port above 32767 survives the sign of its word', () => {
  assert.equal(formatAddress(addressOf('192.0.2.1', 65_535)), '192.0.2.1:65535');
});

// RFC 5952 §4 and §5.
const FORMS: readonly (readonly [text: string, canonical: string])[] = [
  ['::', '::'],
  ['::1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['1::', '1::'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['fe80::1%7', 'fe80::1%7'],
];

for (const [text, canonical] of FORMS) {
  test(`${text} is written ${canonical}`, () => assert.equal(formatHost(addressOf(text, 1)), canonical));
}

test('every IPv6 address comes back from its text', () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.nat(65_535), (text, port) => {
      const words = addressOf(text, port);
      const again = addressOf(formatHost(words), addressPort(words));
      assert.ok(sameAddress(words, 0, again, 0));
    }),
  );
});

test('every IPv4 address comes back as its own text', () => {
  fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(formatHost(addressOf(text)), text)));
});

test('what is no address, port or place is refused', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.4%1', ':::', 'fe80::1%eth0', '1.2.3.4:5']) {
    assert.throws(() => addressOf(text), TypeError, text);
  }
  for (const port of [-1, 65_536, 1.5, Number.NaN]) assert.throws(() => addressOf('::1', port), RangeError);
  assert.throws(() => parseAddress('::1', 1, new Int32Array(6), 1), RangeError);
});
