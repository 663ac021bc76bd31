import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Family } from '../../wire/families.ts';
import { RpkiState } from '../route.ts';
import { Bench, CUSTOMER, NEIGHBOURS, NOBODY, OWN, ROUTE } from '../testing/table.ts';
import { anycastExport } from './anycast.ts';
import { defaultLimits } from './limits.ts';

const ORDINARY = { ...ROUTE, path: [3320, 1299] };
const GRACEFUL_SHUTDOWN = 0xffff_0000;
const BLACKHOLE = 0xffff_029a;
const NO_EXPORT = 0xffff_ff01;

const calling = (call: string, to = NEIGHBOURS[0]) =>
  new Bench({ ruleSets: { main: [{ call }, { end: 'accept' }] } }, 'main', to);

test("bogons: special addresses, and AS numbers that are nobody's", () => {
  const table = calling('bogons');
  const good = ['8.8.8.0/24', '0.0.0.0/0', '::/0', '2a00:1450::/32', '223.255.0.0/16', '2000::/3'];
  assert.deepEqual(
    good.filter((prefix) => !table.accepts(ORDINARY, prefix)),
    [],
  );
  const bad = ['10.0.0.0/8', '192.168.7.0/24', '203.0.113.0/24', '240.0.0.0/4', '100.64.0.0/16', '127.0.0.1/32'];
  assert.deepEqual(
    [...bad, '2001:db8:1::/48', 'fe80::/10', 'fc00::/7', '::/8', '2002::/16'].filter((prefix) =>
      table.accepts(ORDINARY, prefix),
    ),
    [],
  );
  const ases = [23_456, 64_496, 64_512, 65_535, 65_551, 131_071, 4_200_000_000, 4_294_967_295];
  assert.deepEqual(
    ases.filter((as) => table.accepts({ ...ROUTE, path: [3320, as, 1299] }, '8.8.8.0/24')),
    [],
  );
  assert.ok(table.accepts({ ...ROUTE, path: [64_495, 131_072, 4_199_999_999] }, '8.8.8.0/24'));
});

test('prefix lengths that the internet takes', () => {
  const table = calling('prefix-lengths');
  const taken = ['8.0.0.0/8', '8.8.8.0/24', '8.8.8.0/25', '0.0.0.0/0', '2a00::/16', '2a00::/48', '2a00::/49', '::/0'];
  assert.deepEqual(
    taken.map((prefix) => table.accepts(ORDINARY, prefix)),
    [true, true, false, false, true, true, false, false],
  );
});

test('blackhole: longer prefixes with the community go nowhere, and no further', () => {
  const table = new Bench({ ruleSets: { main: [{ call: 'blackhole' }] } }, 'main');
  const asked = { ...ROUTE, communities: [BLACKHOLE] };
  assert.deepEqual(table.apply(asked, '203.0.113.7/32'), {
    ...asked,
    nextHop: '192.0.2.1',
    communities: [BLACKHOLE, NO_EXPORT],
  });
  assert.equal(table.apply({ ...asked, nextHop: '2001:db8::1' }, '2001:db8::1/128')?.nextHop, '100::1');
  assert.ok(!table.accepts(asked, '203.0.113.0/24'));
  assert.ok(!table.accepts(ROUTE, '203.0.113.7/32'));
});

test('anycast: own routes and no others', () => {
  const table = new Bench({ ruleSets: { main: [{ call: 'anycast' }] } }, 'main');
  assert.ok(table.accepts(ROUTE, undefined, OWN));
  assert.ok(!table.accepts(ROUTE));
});

test('drain: graceful shutdown, no preference and a longer path', () => {
  assert.deepEqual(calling('drain').apply({ ...ROUTE, path: [] }, undefined, OWN), {
    ...ROUTE,
    path: [64_999, 64_999, 64_999],
    localPref: 0,
    communities: [GRACEFUL_SHUTDOWN],
  });
});

test('no leaks: from providers and peers to customers only', () => {
  const up = calling('no-leaks');
  assert.deepEqual(
    [OWN, CUSTOMER, NOBODY, 1].map((source) => up.accepts(ROUTE, undefined, source)),
    [true, true, true, false],
  );
  assert.ok(calling('no-leaks', NEIGHBOURS[1]).accepts(ROUTE));
});

test('rpki: invalid ones only', () => {
  const states = Object.values(RpkiState).map((state) => {
    const validator = { state: () => state };
    return new Bench(
      { ruleSets: { main: [{ call: 'rpki' }, { end: 'accept' }] } },
      'main',
      undefined,
      validator,
    ).accepts(ROUTE);
  });
  assert.deepEqual(states, [true, true, false]);
});

test('what a PoP tells of the service as it comes back', () => {
  const told = (share: number, prefix = '192.0.2.0/24', source: number = OWN) => {
    const rules = anycastExport({ prefixes: ['192.0.2.0/24'], prepend: 1, med: 7, share });
    return new Bench({ ruleSets: { main: rules } }, 'main').apply({ ...ROUTE, path: [] }, prefix, source);
  };
  const lengths = [0, 0.1, 0.5, 1].map((share) => {
    const { path = [], localPref, med, communities = [] } = told(share) ?? {};
    assert.equal(med, 7);
    return [path.length, localPref, communities.includes(GRACEFUL_SHUTDOWN)];
  });
  assert.deepEqual(lengths, [
    [4, 0, true],
    [4, 10, false],
    [3, 50, false],
    [1, 100, false],
  ]);
  assert.equal(told(1, '192.0.3.0/24'), undefined);
  assert.equal(told(1, '192.0.2.0/24', 1), undefined);
});

test('limits by role: a customer has a few, and who is not known may have a full table, but not more', () => {
  assert.deepEqual(defaultLimits(3)[0], { family: Family.ipv4Unicast, paths: 1000 });
  assert.deepEqual(defaultLimits(undefined), defaultLimits(0));
  assert.deepEqual(defaultLimits(99), defaultLimits(0));
  assert.deepEqual(
    defaultLimits(undefined).map(({ paths }) => paths),
    [1_500_000, 400_000, 10_000, 10_000],
  );
});
