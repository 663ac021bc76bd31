import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addressRange,
  contains,
  overlaps,
  parsePrefixRange,
  prefixRange,
  prefixText,
  subtractPrefixes,
} from './ip-range.ts';

test('a prefix is a range and back, in its one form', () => {
  for (const [text, form = text] of [
    ['0.0.0.0/0'],
    ['10.64.0.0/24'],
    ['192.168.1.9/32'],
    ['::/0'],
    ['FD12:3456:789A:0::/64', 'fd12:3456:789a::/64'],
    ['2001:db8::1/128'],
    ['::ffff:0:0/96'],
  ] as const)
    assert.equal(prefixText(prefixRange(text)), form);
  assert.deepEqual(prefixRange('10.64.0.0/30'), { bits: 32, first: 0x0a40_0000n, last: 0x0a40_0003n });
});

test('what is no prefix is told so, and what was meant by one with bits behind it', () => {
  for (const text of [
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0/8',
    '::/129',
    '::/-1',
    'a/8',
    '1.2.3.4/1/2',
  ])
    assert.match(String(parsePrefixRange(text)), /^must be a prefix/, text);
  assert.equal(parsePrefixRange('10.1.2.3/8'), 'has bits set behind its prefix: is 10.0.0.0/8 meant?');
  assert.equal(parsePrefixRange('fd00::1/64'), 'has bits set behind its prefix: is fd00::/64 meant?');
  assert.throws(() => prefixRange('10.0.0.1/8'), RangeError);
  assert.equal(addressRange('10.0.0.256'), undefined);
});

test('families never hold each other', () => {
  const [four, six] = [prefixRange('0.0.0.0/0'), prefixRange('::/0')];
  assert.deepEqual([contains(six, four), overlaps(four, six), overlaps(four, four)], [false, false, true]);
});

test('what is taken away is away, all else is there once, and no prefix could be one with its neighbour', () => {
  const prefix = fc
    .tuple(fc.nat(255), fc.integer({ min: 24, max: 32 }))
    .map(([host, length]) => `10.0.0.${host - (host % 2 ** (32 - length))}/${length}`);
  fc.assert(
    fc.property(prefix, fc.array(prefix, { maxLength: 4 }), (whole, holes) => {
      const left = subtractPrefixes([whole], holes).map(prefixRange);
      const outer = prefixRange(whole);
      for (let i = outer.first; i <= outer.last; i++) {
        const one = { bits: 32, first: i, last: i } as const;
        const isHole = holes.some((hole) => contains(prefixRange(hole), one));
        assert.equal(left.filter((range) => contains(range, one)).length, isHole ? 0 : 1);
      }
      for (const [i, range] of left.entries()) {
        const next = left[i + 1];
        const size = range.last - range.first + 1n;
        const isPair = next !== undefined && next.first === range.last + 1n && next.last === range.last + size;
        assert.ok(!isPair || range.first % (2n * size) !== 0n, 'two halves of one prefix');
      }
    }),
  );
  assert.deepEqual(subtractPrefixes(['fd00::/63'], ['fd00::/64']), ['fd00:0:0:1::/64']);
  assert.deepEqual(subtractPrefixes(['10.0.0.0/24'], ['10.0.0.0/8']), []);
});
