import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { adjust, checksum, fold, pseudoHeaderSum, readWord, sumWords, writeWord } from './checksum.ts';

test('RFC 1071 §3 example', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assert.equal(fold(sumWords(bytes, 0, 8)), 0xddf2);
  assert.equal(checksum(bytes, 0, 8), ~0xddf2 & 0xffff);
});

test('carries are added until none is left', () => {
  for (const [sum, folded] of [
    [0, 0],
    [0xffff, 0xffff],
    [0x10000, 1],
    [0x30000, 3],
    [0x1ffff, 1],
    [0x1fffe, 0xffff],
    [0x1_0000_0000, 1],
  ] as const) {
    assert.equal(fold(sum), folded);
  }
});

test('the pseudo-header has addresses, protocol and all 32 bits of the length (RFC 8200 §8.1)', () => {
  const bytes = Uint8Array.of(9, 9, 0, 1, 0, 2, 0, 3, 0, 4, 9, 9);
  assert.equal(fold(pseudoHeaderSum(bytes, 2, 8, 6, 100)), 1 + 2 + 3 + 4 + 6 + 100);
  assert.equal(fold(pseudoHeaderSum(bytes, 2, 8, 17, 0x3_1234)), 1 + 2 + 3 + 4 + 17 + 3 + 0x1234);
});

test('RFC 1624 §4 example', () => {
  assert.equal(adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
});

test('an adjusted checksum verifies like a computed one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 60 }), fc.nat(0xffff), (bytes, word) => {
      writeWord(bytes, 0, 0);
      writeWord(bytes, 0, checksum(bytes, 0, bytes.length));
      const before = readWord(bytes, 2);
      writeWord(bytes, 2, word);
      writeWord(bytes, 0, adjust(readWord(bytes, 0), before, word));
      const sum = fold(sumWords(bytes, 0, bytes.length));
      assert.ok(sum === 0xffff || sum === 0, `sum ${sum}`);
    }),
  );
});

test('an odd last byte counts as the high half of a word', () => {
  assert.equal(sumWords(Uint8Array.of(1, 2, 3), 0, 3), 0x0102 + 0x0300);
});
