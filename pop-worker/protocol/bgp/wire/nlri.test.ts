import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arePrefixes, PrefixCursor, prefixBytes, writePrefix } from './nlri.ts';
import { unhex } from './testing/hex.ts';

/** Path identifier, length and address: the most that a prefix takes. */
const MAX_PREFIX_BYTES = 4 + 1 + 16;

interface Prefix {
  readonly address: readonly number[];
  readonly length: number;
  readonly pathId: number;
}

/** In the middle of other bytes, which must not matter. */
const read = (bytes: Uint8Array, bits: number, hasPathIds: boolean): Prefix[] | undefined => {
  const buffer = new Uint8Array(bytes.length + 40).fill(0xc1);
  buffer.set(bytes, 9);
  if (!arePrefixes(buffer, 9, 9 + bytes.length, bits, hasPathIds)) return undefined;
  const cursor = new PrefixCursor().reset(buffer, 9, 9 + bytes.length, hasPathIds);
  const found: Prefix[] = [];
  while (cursor.next()) found.push({ address: [...cursor.address], length: cursor.length, pathId: cursor.pathId });
  return found;
};

const v4 = (address: number, length: number, pathId = 0): Prefix => ({ address: [address, 0, 0, 0], length, pathId });

test('prefixes of IPv4, and what is past their length is nothing (RFC 4271 §4.3)', () => {
  const bytes = unhex('19 c6336400 18 c00002 08 0a 00 20 cb007109 19 c63364ff 04 ff');
  assert.deepEqual(read(bytes, 32, false), [
    v4(0xc6336400, 25),
    v4(0xc0000200, 24),
    v4(0x0a000000, 8),
    v4(0, 0),
    v4(0xcb007109, 32),
    v4(0xc6336480, 25),
    v4(0xf0000000, 4),
  ]);
});

test('prefixes of IPv6, of every length of words, and none of what was there before', () => {
  const bytes = unhex(`80 20010db8000000000000000000000001 30 20010db80001 21 20010db8ff 40 20010db8 00010002
    41 20010db80001 0002 ff 60 20010db8 00000000 00000003 03 ff 00`);
  assert.deepEqual(
    read(bytes, 128, false)?.map(({ address, length }) => [length, ...address]),
    [
      [128, 0x20010db8, 0, 0, 1],
      [48, 0x20010db8, 0x00010000, 0, 0],
      [33, 0x20010db8, 0x80000000, 0, 0],
      [64, 0x20010db8, 0x00010002, 0, 0],
      [65, 0x20010db8, 0x00010002, 0x80000000, 0],
      [96, 0x20010db8, 0, 3, 0],
      [3, 0xe0000000, 0, 0, 0],
      [0, 0, 0, 0, 0],
    ],
  );
});

test('path identifiers come before prefixes where that was agreed (RFC 7911 §3)', () => {
  assert.deepEqual(read(unhex('00000002 19 c6336400 fffffffe 00'), 32, true), [
    v4(0xc6336400, 25, 2),
    v4(0, 0, 0xfffffffe),
  ]);
});

test('a field is malformed when a length does not fit its family, or the end is not that of a prefix (RFC 7606 §5.3)', () => {
  const rows: [string, number, boolean][] = [
    ['21 0000000000', 32, false],
    ['ff 00', 32, false],
    ['81 0000000000000000000000000000000000', 128, false],
    ['18 c000', 32, false],
    ['08', 32, false],
    ['18 c00002 18 c000', 32, false],
    ['00000001', 32, true],
    ['0000', 32, true],
    ['00000001 18 c000', 32, true],
    ['00000001 00 0000', 32, true],
  ];
  for (const [text, bits, hasPathIds] of rows) assert.equal(read(unhex(text), bits, hasPathIds), undefined, text);
  assert.deepEqual(read(unhex(''), 32, false), []);
});

const MASKS = (length: number, word: number): number => {
  const left = length - 32 * word;
  return left >= 32 ? 0xffffffff : left <= 0 ? 0 : (~0 << (32 - left)) >>> 0;
};

const prefixes = (bits: 32 | 128, withIds: boolean): fc.Arbitrary<Prefix[]> =>
  fc.array(
    fc
      .tuple(
        fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 4, maxLength: 4 }),
        fc.nat(bits),
        fc.integer({ min: 0, max: 0xffffffff }),
      )
      .map(([words, length, pathId]) => ({
        address: words.map((word, i) => (word & MASKS(length, i)) >>> 0),
        length,
        pathId: withIds ? pathId : 0,
      })),
    { maxLength: 20 },
  );

test('round trip', () => {
  for (const bits of [32, 128] as const) {
    for (const hasPathIds of [false, true]) {
      fc.assert(
        fc.property(prefixes(bits, hasPathIds), (list) => {
          const buffer = new Uint8Array(list.length * MAX_PREFIX_BYTES);
          let at = 0;
          for (const { address, length, pathId } of list) {
            const next = writePrefix(buffer, at, Uint32Array.from(address), length, hasPathIds, pathId);
            assert.equal(next - at, prefixBytes(length, hasPathIds));
            at = next;
          }
          assert.deepEqual(read(buffer.subarray(0, at), bits, hasPathIds), list);
        }),
      );
    }
  }
});
