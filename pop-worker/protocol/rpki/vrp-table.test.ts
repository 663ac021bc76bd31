import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskOf } from '#protocol/bgp/rib/prefix-table.ts';
import { KEY } from './testing/cache.ts';
import { RouteValidity, VrpTable } from './vrp-table.ts';
import type { PrefixRecord } from './wire/prefix.ts';

/** Few addresses and ASes, so that things meet. */
const record = fc
  .record({
    bits: fc.constantFrom<32 | 128>(32, 128),
    first: fc.constantFrom(0, 0xc000_0200, 0xc000_0280, 0x8000_0000, 0xffff_ffff),
    length: fc.integer({ min: 0, max: 32 }),
    more: fc.integer({ min: 0, max: 4 }),
    as: fc.integer({ min: 0, max: 3 }),
    isAnnounced: fc.boolean(),
  })
  .map(({ bits, first, length, more, as, isAnnounced }): PrefixRecord => {
    const address = new Uint32Array(4);
    for (let i = 0; i < bits / 32; i++) address[i] = first & maskOf(length - 32 * i);
    return { bits, address, length, maxLength: Math.min(bits, length + more), as, isAnnounced };
  });

const covers = (one: PrefixRecord, other: PrefixRecord): boolean =>
  one.bits === other.bits &&
  one.length <= other.length &&
  one.address.every((word, i) => word === (other.address[i]! & maskOf(one.length - 32 * i)) >>> 0);

const nameOf = ({ bits, address, length, maxLength, as }: PrefixRecord): string =>
  [bits, ...address, length, maxLength, as].join();

test('it says what RFC 6811 says of a list of all of them', () => {
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 60 }),
      fc.array(record, { minLength: 1, maxLength: 20 }),
      (records, routes) => {
        const table = new VrpTable(KEY);
        const known = new Map<string, PrefixRecord>();
        for (const one of records) {
          const name = nameOf(one);
          if (one.isAnnounced) {
            assert.equal(table.add(one), !known.has(name));
            known.set(name, one);
          } else assert.equal(table.remove(one), known.delete(name));
          assert.equal(table.size, known.size);
        }
        for (const route of routes) {
          const covering = [...known.values()].filter((one) => covers(one, route));
          const isValid = covering.some(
            ({ as, maxLength }) => as !== 0 && as === route.as && maxLength >= route.length,
          );
          const expected = isValid
            ? RouteValidity.valid
            : covering.length > 0
              ? RouteValidity.invalid
              : RouteValidity.notFound;
          assert.equal(table.state(route.bits, route.address, route.length, route.as), expected);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('what has gone leaves its room to what comes', () => {
  const table = new VrpTable(KEY);
  const one = (i: number): PrefixRecord => ({
    isAnnounced: true,
    bits: 32,
    address: Uint32Array.of(i << 8, 0, 0, 0),
    length: 24,
    maxLength: 24,
    as: 1,
  });
  for (let i = 0; i < 1000; i++) table.add(one(i));
  const { memory } = table;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1000; i++) table.remove(one(round * 1000 + i));
    for (let i = 0; i < 1000; i++) table.add(one((round + 1) * 1000 + i));
  }
  assert.equal(table.memory, memory);
});
