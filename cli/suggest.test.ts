import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { closest, didYouMean } from './suggest.ts';

const KNOWN = ['up', 'down', 'doctor', 'bench', 'interop', 'completion', 'version'];

test('a slip of the finger finds the word that was meant', () => {
  assert.equal(closest('dcotor', KNOWN), 'doctor');
  assert.equal(closest('bnech', KNOWN), 'bench');
  assert.equal(closest('donw', KNOWN), 'down');
  assert.equal(closest('vers', KNOWN), 'version');
});

test('a word like none of them finds nothing', () => {
  assert.equal(closest('tenant', KNOWN), undefined);
  assert.equal(closest('', KNOWN), undefined);
  assert.equal(didYouMean('tenant', KNOWN), '');
});

test('the suggestion is always one of the known words', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (word) => {
      const found = closest(word, KNOWN);
      assert.ok(found === undefined || KNOWN.includes(found));
    }),
  );
});

test('a known word finds itself', () => {
  for (const word of KNOWN) assert.equal(closest(word, KNOWN), word);
});
