import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPolicies } from './program.ts';
import type { Match } from './rule.ts';
import { Bench, ROUTE } from './testing/table.ts';

test('each list that is empty is an error that names it', () => {
  const empty: Readonly<Record<string, Match>> = {
    families: { families: [] },
    prefixes: { prefixes: [] },
    communities: { communities: [] },
    'path patterns': { paths: [] },
    neighbours: { from: [] },
    roles: { fromRoles: [] },
    'next hops': { nextHops: [] },
    'RPKI states': { rpki: [] },
    origins: { origins: [] },
    attributes: { attributes: [] },
  };
  for (const [name, match] of Object.entries(empty)) {
    const { errors } = readPolicies({ ruleSets: { main: [{ match, end: 'accept' }] } });
    assert.ok(
      errors.some((error) => error.includes(`asks for one of no ${name}`)),
      `${name}: ${errors.join()}`,
    );
  }
});

const accepts = (nextHops: readonly string[], nextHop: string): boolean => {
  const bench = new Bench({ ruleSets: { main: [{ match: { nextHops }, end: 'accept' }] } }, 'main');
  return bench.apply({ ...ROUTE, nextHop }) !== undefined;
};

/** The first bits of an address of IPv4, and the same with the last of them another. */
const prefixes = (address: number, length: number): readonly [string, string] => {
  const text = (value: number): string =>
    `${[24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')}/${length}`;
  const size = 2 ** (32 - length);
  const first = Math.floor(address / size) * size;
  return [text(first), text(Math.floor(first / size) % 2 === 0 ? first + size : first - size)];
};

test('a next hop is in the prefixes of its first bits, of any length, and in no others', () => {
  const address = 0xcb00_71ab;
  for (let length = 1; length <= 32; length++) {
    const [own, other] = prefixes(address, length);
    assert.ok(accepts([own], '203.0.113.171'), own);
    assert.ok(!accepts([other], '203.0.113.171'), other);
  }
  assert.ok(accepts(['0.0.0.0/0'], '203.0.113.171'));
  assert.ok(accepts(['203.0.113.171'], '203.0.113.171') && accepts(['2001:db8::9'], '2001:db8::9'));
  for (const [prefix, isIn] of [
    ['2001:db8::/32', true],
    ['2001:db8:0:1::/64', false],
    ['2001:db8::8/125', true],
    ['2001:db8::8/128', false],
    ['::/0', true],
  ] as const)
    assert.equal(accepts([prefix], '2001:db8::9'), isIn, prefix);
});
