import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHuffman, encodeHuffman, huffmanBytes } from './huffman.ts';
import { HUFFMAN_BITS, HUFFMAN_CODES } from './huffman-code.ts';
import { hex, toHex } from './testing/hex.ts';

const encode = (text: string): Uint8Array => {
  const out = new Uint8Array(huffmanBytes(text));
  assert.equal(encodeHuffman(text, out, 0), out.length);
  return out;
};

const decode = (bytes: Uint8Array, room = 4096): string | number => {
  const out = new Uint8Array(room);
  const written = decodeHuffman(bytes, 0, bytes.length, out);
  return written < 0 ? written : Buffer.from(out.subarray(0, written)).toString('latin1');
};

/** RFC 7541 §C.4 and §C.6 */
const VECTORS = [
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['307', '640eff'],
  ['private', 'aec3771a4b'],
  ['gzip', '9bd9ab'],
  ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ['Mon, 21 Oct 2013 20:13:22 GMT', 'd07abe941054d444a8200595040b8166e084a62d1bff'],
  [
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ],
] as const;

test('RFC 7541 Appendix C strings, both ways', () => {
  for (const [text, coded] of VECTORS) {
    assert.equal(toHex(encode(text)), coded);
    assert.equal(decode(hex(coded)), text);
  }
});

test('the canonical code gives the codes printed in RFC 7541 Appendix B', () => {
  const printed: readonly (readonly [number, number, number])[] = [
    [0, 0x1ff8, 13],
    [1, 0x7fffd8, 23],
    [10, 0x3ffffffc, 30],
    [22, 0x3ffffffe, 30],
    [32, 0x14, 6],
    [48, 0x0, 5],
    [88, 0xfc, 8],
    [92, 0x7fff0, 19],
    [127, 0xffffffc, 28],
    [199, 0x1ffffec, 25],
    [249, 0xffffffe, 28],
    [255, 0x3ffffee, 26],
    [256, 0x3fffffff, 30],
  ];
  for (const [symbol, code, bits] of printed) {
    assert.equal(HUFFMAN_CODES[symbol], code, `code of ${symbol}`);
    assert.equal(HUFFMAN_BITS[symbol], bits, `bits of ${symbol}`);
  }
});

test('any bytes survive the round trip', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      assert.equal(decode(encode(text)), text);
    }),
  );
});

test('padding must be shorter than a byte and all ones, EOS is refused (RFC 7541 §5.2)', () => {
  assert.equal(decode(hex('')), '');
  assert.equal(decode(hex('1f')), 'a');
  assert.equal(decode(hex('1e')), -1, 'a zero in the padding');
  assert.equal(decode(hex('1fff')), -1, 'eight bits too many');
  assert.equal(decode(hex('ffffffff')), -1, 'EOS');
  assert.equal(decode(hex('ffffff')), -1, 'only padding');
});

test('what does not fit is reported, nothing is written beyond', () => {
  assert.equal(decode(encode('aaaa'), 3), -2);
  assert.equal(decode(encode('aaaa'), 4), 'aaaa');
});

test('any bytes decode or are refused, and what decodes encodes to the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const text = decode(bytes);
      if (typeof text === 'string') assert.equal(toHex(encode(text)), toHex(bytes));
      else assert.equal(text, -1);
    }),
  );
});
