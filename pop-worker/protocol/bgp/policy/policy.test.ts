import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Match, Rule } from './rule.ts';
import { Bench, CUSTOMER, NEIGHBOURS, NOBODY, OWN, ROUTE } from './testing/table.ts';

const ACCEPT: Rule = { end: 'accept' };

const bench = (...rules: readonly Rule[]): Bench => new Bench({ ruleSets: { main: rules } }, 'main');

/** Whether a rule that asks this accepts a route. */
const matches = (match: Match): Bench =>
  new Bench(
    {
      prefixLists: { ours: ['203.0.113.0/24 le 32', '2001:db8::/32'] },
      asLists: { theirs: ['64500', '65000-65010'] },
      ruleSets: { main: [{ match, end: 'accept' }] },
    },
    'main',
    NEIGHBOURS[1],
  );

test('a route that no rule accepts is rejected; the first rule that ends decides', () => {
  assert.ok(!bench().accepts(ROUTE));
  assert.ok(!bench({ set: { med: 7 } }).accepts(ROUTE));
  assert.ok(!bench({ end: 'return' }).accepts(ROUTE));
  assert.ok(bench(ACCEPT).accepts(ROUTE));
  assert.ok(!bench({ match: { from: ['upstream'] }, end: 'reject' }, ACCEPT).accepts(ROUTE));
  assert.ok(bench({ match: { from: ['upstream'] }, end: 'reject' }, ACCEPT).accepts(ROUTE, undefined, CUSTOMER));
});

test('prefixes by list, length and family', () => {
  const one = matches({ prefixes: ['203.0.113.0/24'] });
  assert.deepEqual(
    ['203.0.113.0/24', '203.0.113.0/25', '203.0.112.0/24', '203.0.112.0/23'].map((prefix) =>
      one.accepts(ROUTE, prefix),
    ),
    [true, false, false, false],
  );
  const long = matches({ prefixes: ['10.0.0.0/8 ge 9 le 24', '0.0.0.0/0', '::/0 ge 49'] });
  const prefixes = ['10.0.0.0/8', '10.128.0.0/9', '10.1.2.0/24', '10.1.2.0/25', '0.0.0.0/0', '0.0.0.0/1'];
  assert.deepEqual(
    prefixes.map((prefix) => long.accepts(ROUTE, prefix)),
    [false, true, true, false, true, false],
  );
  assert.deepEqual(
    ['2001:db8::/48', '2001:db8::/49', '2001:db8::1/128', '::/0'].map((prefix) => long.accepts(ROUTE, prefix)),
    [false, true, true, false],
  );
  const named = matches({ prefixes: ['@ours', '192.0.2.0/24'] });
  assert.ok(named.accepts(ROUTE, '203.0.113.7/32'));
  assert.ok(named.accepts(ROUTE, '192.0.2.0/24'));
  assert.ok(named.accepts(ROUTE, '2001:db8::/32'));
  assert.ok(!named.accepts(ROUTE, '2001:db8::/33'));
  assert.ok(matches({ families: ['ipv6-unicast'] }).accepts(ROUTE, '::/0'));
  assert.ok(!matches({ families: ['ipv6-unicast', 'ipv4-flow'] }).accepts(ROUTE, '0.0.0.0/0'));
});

test('communities, one or all of them', () => {
  const tagged = { ...ROUTE, communities: [0xfbf4_0064, 0xffff_029a] };
  const has = (...communities: string[]) => matches({ communities }).accepts(tagged);
  assert.deepEqual(
    [has('64500:100'), has('64500:101'), has('blackhole'), has('no-export')],
    [true, false, true, false],
  );
  assert.deepEqual(
    [has('64500:*'), has('*:100'), has('64500:1-99'), has('64499-64500:100-100')],
    [true, true, false, true],
  );
  assert.ok(has('no-export', '64500:100'));
  const all = (...allCommunities: string[]) => matches({ allCommunities }).accepts(tagged);
  assert.deepEqual([all('64500:100', 'blackhole'), all('64500:100', 'no-export')], [true, false]);
  assert.ok(!matches({ communities: ['*:*'] }).accepts(ROUTE));
});

test('paths, neighbours, roles, next hops and numbers', () => {
  assert.ok(matches({ paths: ['64500 64501'] }).accepts(ROUTE));
  assert.ok(!matches({ paths: ['64501 .*', '64500'] }).accepts(ROUTE));
  assert.ok(matches({ paths: ['@theirs .*'] }).accepts(ROUTE));
  assert.ok(matches({ paths: [''] }).accepts({ ...ROUTE, path: [] }));
  assert.ok(matches({ from: ['own'] }).accepts(ROUTE, undefined, OWN));
  assert.ok(!matches({ from: ['own'] }).accepts(ROUTE));
  assert.ok(matches({ from: ['198.51.100.2'] }).accepts(ROUTE, undefined, CUSTOMER));
  assert.ok(matches({ fromRoles: ['provider'] }).accepts(ROUTE));
  assert.ok(!matches({ fromRoles: ['provider', 'customer'] }).accepts(ROUTE, undefined, NOBODY));
  assert.ok(!matches({ fromRoles: ['provider', 'customer'] }).accepts(ROUTE, undefined, OWN));
  assert.ok(matches({ to: ['customer'], toRoles: ['customer'] }).accepts(ROUTE));
  assert.ok(!matches({ to: ['upstream'] }).accepts(ROUTE));
  assert.ok(!matches({ toRoles: ['peer'] }).accepts(ROUTE));
  assert.ok(matches({ nextHops: ['198.51.100.0/24'] }).accepts(ROUTE));
  assert.ok(matches({ nextHops: ['198.51.100.1'] }).accepts(ROUTE));
  assert.ok(!matches({ nextHops: ['198.51.100.2', '2001:db8::/32'] }).accepts(ROUTE));
  assert.ok(matches({ nextHops: ['2001:db8::/32'] }).accepts({ ...ROUTE, nextHop: '2001:db8::1' }));
  assert.ok(!matches({ nextHops: ['0.0.0.0/0'] }).accepts({ ...ROUTE, nextHop: '' }));
  assert.ok(matches({ origins: ['incomplete'] }).accepts({ ...ROUTE, origin: 2 }));
  assert.ok(!matches({ origins: ['igp', 'egp'] }).accepts({ ...ROUTE, origin: 2 }));
  assert.ok(matches({ localPref: { least: 100, most: 100 } }).accepts(ROUTE));
  assert.ok(!matches({ localPref: { most: 99 } }).accepts(ROUTE));
  assert.ok(matches({ localPref: { most: 0 } }).accepts({ ...ROUTE, localPref: 0 }));
  assert.ok(matches({ med: { least: 5 } }).accepts({ ...ROUTE, med: 5 }));
  assert.ok(!matches({ med: { least: 5 } }).accepts({ ...ROUTE, med: 4 }));
  assert.ok(!matches({ med: { least: 0 } }).accepts(ROUTE));
  assert.ok(matches({ pathLength: { least: 2, most: 2 } }).accepts(ROUTE));
  assert.ok(!matches({ pathLength: { least: 3 } }).accepts(ROUTE));
  assert.ok(matches({ attributes: [35] }).accepts({ ...ROUTE, otc: 1 }));
  assert.ok(!matches({ attributes: [35] }).accepts(ROUTE));
  assert.ok(matches({ not: { from: ['own'], families: ['ipv4-unicast'] } }).accepts(ROUTE));
  assert.ok(!matches({ not: { families: ['ipv4-unicast'] } }).accepts(ROUTE));
});

test('what rules set', () => {
  const after = (set: Rule['set'], route = ROUTE) => bench({ set }, ACCEPT).apply(route);
  assert.deepEqual(after({ localPref: 200, med: 7, origin: 'egp', nextHop: '192.0.2.9' }), {
    ...ROUTE,
    localPref: 200,
    med: 7,
    origin: 1,
    nextHop: '192.0.2.9',
  });
  assert.deepEqual(after({ med: 'none', nextHop: 'self' }, { ...ROUTE, med: 1 }), { ...ROUTE, nextHop: '' });
  assert.deepEqual(after({ prepend: { times: 2 } })?.path, [64_999, 64_999, 64_500, 64_501]);
  assert.deepEqual(after({ prepend: { times: 1, as: 7 } }, { ...ROUTE, path: [] })?.path, [7]);
  const tagged = { ...ROUTE, communities: [0xfbf4_0064, 0xfbf4_0065, 0x0001_0001] };
  assert.deepEqual(
    after({ removeCommunities: ['64500:*'], addCommunities: ['1:1', '2:2'] }, tagged)?.communities,
    [0x0001_0001, 0x0002_0002],
  );
  assert.deepEqual(after({ removeCommunities: ['*:*'] }, tagged), ROUTE);
  const unchanged = { ...ROUTE, localPref: 5 };
  assert.deepEqual(after({ localPref: 5 }, unchanged), unchanged);
});

test('a path beyond a segment of 255 gets another one', () => {
  const { store, policy, ...rest } = bench({ set: { prepend: { times: 3 } } }, ACCEPT);
  const path = Array.from({ length: 253 }, (_, i) => i + 1);
  const { set, destination, family } = Bench.prototype.intern.call(
    { store, policy, ...rest } as Bench,
    { ...ROUTE, path },
    '0.0.0.0/0',
  );
  const id = policy.apply(1, family, destination, set);
  assert.equal(store.columns.pathLength[id], 256);
  assert.equal(store.columns.firstAs[id], 64_999);
  assert.equal(store.columns.originAs[id], 253);
});

test('later rules see what earlier ones have set, and called rule sets end or return', () => {
  const policies = {
    ruleSets: {
      main: [
        { match: { prefixes: ['203.0.113.0/24 le 32'] }, call: 'tag' },
        { match: { communities: ['1:1'] }, set: { localPref: 300 }, end: 'accept' as const },
        { name: 'rest', set: { localPref: 50 }, end: 'accept' as const },
      ],
      tag: [
        { match: { paths: ['666 .*'] }, end: 'reject' as const },
        { match: { paths: ['777 .*'] }, end: 'accept' as const },
        { match: { paths: ['888 .*'] }, end: 'return' as const },
        { set: { addCommunities: ['1:1'] } },
      ],
    },
  };
  const table = new Bench(policies, 'main');
  assert.deepEqual(table.apply(ROUTE), { ...ROUTE, communities: [0x0001_0001], localPref: 300 });
  assert.equal(table.apply({ ...ROUTE, path: [666, 1] }), undefined);
  assert.equal(table.apply({ ...ROUTE, path: [777, 1] })?.localPref, undefined);
  assert.equal(table.apply({ ...ROUTE, path: [888, 1] })?.localPref, 50);
  assert.equal(table.apply(ROUTE, '192.0.2.0/24')?.localPref, 50);
});

test('what is known of attributes is of these, from this neighbour, in this family', () => {
  const table = bench(
    { match: { from: ['customer'] }, set: { localPref: 200 }, end: 'accept' },
    { match: { families: ['ipv6-unicast'] }, set: { localPref: 300 }, end: 'accept' },
    { match: { med: { least: 1 } }, end: 'reject' },
    ACCEPT,
  );
  for (let i = 0; i < 3; i++) {
    assert.equal(table.apply(ROUTE)?.localPref, undefined);
    assert.equal(table.apply(ROUTE, '::/0')?.localPref, 300);
    assert.equal(table.apply(ROUTE, undefined, CUSTOMER)?.localPref, 200);
    assert.equal(table.apply({ ...ROUTE, med: 2 }), undefined, 'that id was of other attributes before');
    assert.equal(table.apply({ ...ROUTE, med: 2 }, undefined, 40_000), undefined);
  }
});

test('it says whether it sets MULTI_EXIT_DISC', () => {
  assert.ok(bench({ set: { med: 'none' } }, ACCEPT).policy.setsMed);
  assert.ok(!bench({ set: { localPref: 1 } }, ACCEPT).policy.setsMed);
});
