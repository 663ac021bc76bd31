import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, type IpRange, prefixRange, prefixText } from '#model/ip-range.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { ip } from '../testing/frames.ts';
import { loadFront } from '../testing/loaded.ts';
import { SourceLists } from './source-lists.ts';

const skip = isRoot ? false : 'programs are loaded by root';

type List = Parameters<typeof SourceLists.of>[0][number];

const TARGETS = { 32: '203.0.113.10', 128: '2001:db8:1::1' } as const;
const COUNTED = { allow: 'allowed', deny: 'dropDenied', none: 'passed' } as const;

/** What the longest prefix says; of equal ones the later. */
const expected = (lists: readonly List[], source: IpRange): keyof typeof COUNTED => {
  let best: { readonly size: bigint; readonly action: 'allow' | 'deny' } | undefined;
  for (const { action, prefixes } of lists) {
    for (const prefix of prefixes) {
      const range = prefixRange(prefix);
      const size = range.last - range.first;
      if (contains(range, source) && (best === undefined || size <= best.size)) best = { size, action };
    }
  }
  return best?.action ?? 'none';
};

const judge = (front: ReturnType<typeof loadFront>, source: string): string[] => {
  const range = prefixRange(`${source}/${source.includes(':') ? 128 : 32}`);
  return Object.keys(front.show(ip({ source, destination: TARGETS[range.bits] })).counted);
};

const check = (front: ReturnType<typeof loadFront>, lists: readonly List[], sources: readonly string[]): void => {
  for (const source of sources) {
    const range = prefixRange(`${source}/${source.includes(':') ? 128 : 32}`);
    assert.deepEqual(judge(front, source), [COUNTED[expected(lists, range)]], source);
  }
};

test('the longest prefix decides, of either family', { skip }, (t) => {
  const front = loadFront(t);
  const lists: readonly List[] = [
    {
      action: 'deny',
      prefixes: ['10.0.0.0/8', '10.1.2.128/25', '10.1.2.130/32', '2001:db8::/32', '2001:db8:1::1:0/112'],
    },
    { action: 'allow', prefixes: ['10.1.0.0/16', '10.1.2.0/24', '10.1.2.129/32', '2001:db8:1::/48', '2000::/3'] },
  ];
  new SourceLists(front).setAll(SourceLists.of(lists));
  const v4 = [
    '9.255.255.255',
    '10.0.0.1',
    '10.1.0.1',
    '10.1.2.1',
    '10.1.2.129',
    '10.1.2.130',
    '10.1.2.131',
    '11.0.0.1',
  ];
  check(front, lists, [...v4, '2001:db8::1', '2001:db8:1::7', '2001:db8:1::1:5', '2a00::1', 'fd00::1']);
});

const v4Prefix = fc
  .tuple(fc.constantFrom(10, 11), fc.nat(3), fc.nat(3), fc.nat(255), fc.integer({ min: 6, max: 32 }))
  .map(([a, b, c, d, bits]) => ({ text: `${a}.${b}.${c}.${d}`, bits }));
const v6Prefix = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(255), fc.integer({ min: 20, max: 128 }))
  .map(([a, b, c, bits]) => ({ text: `2001:${a}:${b}::${c.toString(16)}`, bits }));
const anyPrefix = fc.oneof(v4Prefix, v6Prefix).map(({ text, bits }) => {
  const { bits: width, first } = prefixRange(`${text}/${text.includes(':') ? 128 : 32}`);
  const size = 1n << BigInt(width - bits);
  const begin = first - (first % size);
  return prefixText({ bits: width, first: begin, last: begin + size - 1n });
});
const anyLists = fc.array(
  fc.record({ action: fc.constantFrom('allow', 'deny'), prefixes: fc.array(anyPrefix, { maxLength: 12 }) }),
  { maxLength: 3 },
);
const anySource = fc.oneof(v4Prefix, v6Prefix).map(({ text }) => text);

test('whatever lists follow one another, what is in force is the last', { skip }, (t) => {
  const front = loadFront(t);
  const lists = new SourceLists(front);
  fc.assert(
    fc.property(anyLists, fc.array(anySource, { minLength: 4, maxLength: 12 }), (next, sources) => {
      lists.setAll(SourceLists.of(next));
      check(front, next, [
        ...sources,
        ...next.flatMap(({ prefixes }) => prefixes.map((text) => text.split('/')[0] as string)),
      ]);
    }),
    { numRuns: 60 },
  );
  lists.setAll(new Map());
  assert.equal(lists.count, 0);
  check(front, [], ['10.0.0.1', '2001:db8::1']);
});
