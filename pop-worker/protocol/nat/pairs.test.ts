import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAIR_BYTES, PAIR_WORDS, PairState, readPair, writePair } from './pairs.ts';

const WORDS = Uint32Array.of(0xfd000001, 0, 0, 2, 0x20010db8, 0x000f0000, 0, 0x80000010);

test('a pair by its bytes, and back', () => {
  const bytes = new Uint8Array(PAIR_BYTES);
  writePair(bytes, PairState.tcp, Uint32Array.of(7, ...WORDS), 1);
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    '0602fd00000100000000000000000000000220010db8000f00000000000080000010',
  );
  const words = new Uint32Array(PAIR_WORDS);
  assert.equal(readPair(Uint8Array.of(9, ...bytes), 1, words), PairState.tcp);
  assert.deepEqual(words, WORDS);
});

test('of another family or state is none', () => {
  const bytes = new Uint8Array(PAIR_BYTES);
  const words = new Uint32Array(PAIR_WORDS);
  writePair(bytes, PairState.other, WORDS, 0);
  assert.equal(readPair(bytes, 0, words), PairState.other);
  for (const [at, value] of [[0, 4] as const, [1, 0] as const, [1, 3] as const]) {
    const other = bytes.slice();
    other[at] = value;
    assert.equal(readPair(other, 0, words), PairState.over);
  }
});
