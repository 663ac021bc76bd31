import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPrefix, type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { type Place, Places } from './places.ts';

const place = (text: string, ...nearest: string[]): Place => ({ prefix: parsePrefix(text) as Prefix, nearest });
const address = (text: string): Uint8Array => parseIpAddress(text) as Uint8Array;

test('the smallest network that holds an address says who is near, and how far that goes (RFC 7871 §7.2.1)', () => {
  // The example of the RFC: one /24 that is otherwise within a /20.
  const places = new Places([place('1.2.0.0/20', 'A'), place('1.2.3.0/24', 'B'), place('2001:db8::/32', 'C')]);
  const scopes = [
    ['1.2.3.4', 'B', 24],
    ['1.2.2.9', 'A', 24],
    ['1.2.0.1', 'A', 23],
    ['1.2.5.0', 'A', 22],
    ['1.2.9.0', 'A', 21],
    ['1.3.0.0', undefined, 16],
    ['192.0.2.1', undefined, 1],
    ['2001:db8:5::', 'C', 32],
    ['2001:db9::', undefined, 32],
  ] as const;
  for (const [text, nearest, scopeLength] of scopes) {
    const found = places.find(address(text));
    assert.deepEqual([found.nearest?.[0], found.scopeLength], [nearest, scopeLength], text);
  }
  assert.deepEqual(new Places([]).find(address('::1')), { nearest: undefined, scopeLength: 0 });
});

const bitsOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
const cut = (bytes: Uint8Array, length: number): Uint8Array =>
  bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))));

test('one answer holds for each address within its scope, and for no larger network unless nothing else is said', () => {
  // Few bits, so that networks lie within each other.
  const bytes = fc
    .array(fc.constantFrom(0, 1, 0x80, 0xff), { minLength: 4, maxLength: 4 })
    .map((of) => Uint8Array.from(of));
  const prefix = fc
    .tuple(bytes, fc.integer({ min: 0, max: 32 }))
    .map(([of, length]): Prefix => ({ address: cut(of, length), length }));
  const unique = fc.uniqueArray(prefix, { maxLength: 12, selector: formatPrefix });
  const holder = (prefixes: readonly Prefix[], of: Uint8Array): string | undefined => {
    const holding = prefixes.filter(
      ({ address: at, length }) => bitsOf(at).slice(0, length) === bitsOf(of).slice(0, length),
    );
    const smallest = holding.sort((a, b) => b.length - a.length)[0];
    return smallest === undefined ? undefined : formatPrefix(smallest);
  };
  fc.assert(
    fc.property(unique, bytes, bytes, (prefixes, of, other) => {
      const places = new Places(prefixes.map((each) => ({ prefix: each, nearest: [formatPrefix(each)] })));
      const { nearest, scopeLength } = places.find(of);
      assert.equal(nearest?.[0], holder(prefixes, of));
      if (bitsOf(of).slice(0, scopeLength) === bitsOf(other).slice(0, scopeLength)) {
        assert.equal(holder(prefixes, other), nearest?.[0]);
      }
      if (scopeLength === 0) return;
      // One bit less would take in another network, or leave this one.
      const sibling = cut(of, scopeLength);
      sibling[(scopeLength - 1) >> 3] = (sibling[(scopeLength - 1) >> 3] as number) ^ (0x80 >> ((scopeLength - 1) & 7));
      const lengthOfHolder = nearest === undefined ? 0 : Number(nearest[0]?.split('/')[1]);
      const inSibling = prefixes.some(
        ({ address: at, length }) =>
          length >= scopeLength && bitsOf(at).slice(0, scopeLength) === bitsOf(sibling).slice(0, scopeLength),
      );
      assert.ok(lengthOfHolder === scopeLength || inSibling);
    }),
    { numRuns: 2000 },
  );
});
