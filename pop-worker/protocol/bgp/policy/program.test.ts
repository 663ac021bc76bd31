import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importError, MAX_DEPTH, readPolicies } from './program.ts';
import type { Match, Policies, Rule } from './rule.ts';
import { Bench, ROUTE } from './testing/table.ts';

const errorsOf = (...rules: readonly Rule[]): readonly string[] => readPolicies({ ruleSets: { main: rules } }).errors;

test('each error is a sentence that names the rule', () => {
  const cases: readonly (readonly [Rule, string])[] = [
    [{ name: 'odd' }, 'rule "odd" does nothing: give it something to set, to call, or an end'],
    [
      { match: { prefixes: ['10.0.0.1/8'] }, end: 'accept' },
      'rule 1 is wrong: "10.0.0.1/8" is no prefix; write it as 192.0.2.0/24, with ge and le behind it if need be',
    ],
    [
      { match: { prefixes: ['10.0.0.0/8 ge 7'] }, end: 'accept' },
      'rule 1 is wrong: "10.0.0.0/8 ge 7" is in the wrong order: ge and le go from 8 to 32, ge first',
    ],
    [
      { match: { prefixes: ['10.0.0.0/8 ge 24 le 16'] }, end: 'accept' },
      'rule 1 is wrong: "10.0.0.0/8 ge 24 le 16" is in the wrong order: ge and le go from 8 to 32, ge first',
    ],
    [
      { match: { prefixes: ['::/0 le 129'] }, end: 'accept' },
      'rule 1 is wrong: "::/0 le 129" is in the wrong order: ge and le go from 0 to 128, ge first',
    ],
    [{ match: { prefixes: ['@ours'] }, end: 'accept' }, 'rule 1 names the prefix list "ours", which there is not'],
    [
      { match: { prefixes: [] }, end: 'accept' },
      'rule 1 asks for one of no prefixes: name some, or leave prefixes out',
    ],
    [
      { match: { communities: ['64500'] }, end: 'accept' },
      'rule 1 names "64500", which is no community; write 64500:100, 64500:1:100, rt:64500:100 or a well-known name',
    ],
    [{ match: { med: {} }, end: 'accept' }, 'rule 1 asks for a med without saying which'],
    [
      { match: { med: { least: 2, most: 1 } }, end: 'accept' },
      'rule 1 asks for a med of at least 2 and at most 1, which nothing is',
    ],
    [
      { match: { paths: ['64500 ('] }, end: 'accept' },
      'rule 1 is wrong: path pattern "64500 (" has a "(" without its ")"',
    ],
    [{ match: { not: {} }, end: 'accept' }, 'rule 1 has a "not" with nothing in it'],
    [{ set: { nextHop: 'me' } }, 'rule 1 sets the next hop "me", which is neither an IP address nor self'],
    [{ set: { prepend: { times: 0 } } }, 'rule 1 prepends 0 times, which is to be from 1 to 50'],
    [{ set: { addCommunities: ['64500:*'] } }, 'rule 1 adds "64500:*", which is not one community'],
    [{ set: { addCommunities: [] } }, 'rule 1 adds no communities: name some, or leave it out'],
    [{ set: { removeCommunities: [] } }, 'rule 1 removes no communities: name some, or leave it out'],
    [{ call: 'other' }, 'rule 1 calls the rule set "other", which there is not'],
    [{ call: 'main' }, 'rule 1 calls in a circle: "main" calls "main"'],
  ];
  for (const [rule, text] of cases) assert.deepEqual(errorsOf(rule), [`rule set "main", ${text}`]);
});

test('rules that are never asked, have one name, or are built in', () => {
  assert.deepEqual(errorsOf({ name: 'all', end: 'accept' }, { name: 'more', end: 'reject' }), [
    'rule set "main", rule "more" is never asked: "all" before it ends for every route',
  ]);
  assert.deepEqual(errorsOf({ name: 'a', call: 'drain' }, { name: 'a', end: 'reject' }), [
    'rule set "main", rule "a" has the name of another one: give each its own',
  ]);
  assert.deepEqual(readPolicies({ ruleSets: { drain: [] } }).errors, [
    'rule set "drain" is built in: give yours another name',
  ]);
});

test('lists that are wrong, and names that objects have anyway', () => {
  const { errors } = readPolicies({ prefixLists: { a: ['x'] }, asLists: { b: ['64500-1', '7'] }, ruleSets: {} });
  assert.deepEqual(errors, [
    'prefix list "a" is wrong: "x" is no prefix; write it as 192.0.2.0/24, with ge and le behind it if need be',
    'AS list "b" has "64500-1" where an AS number or a range, 64512-65534, is to be',
  ]);
  const rules: Rule[] = [
    { match: { prefixes: ['@constructor'] }, end: 'accept' },
    { match: { paths: ['@toString'], communities: ['toString:1:1'] }, end: 'accept' },
    { call: 'constructor' },
  ];
  assert.equal(errorsOf(...rules).length, 4);
});

test('each fault says where it is, for whoever shows the field', () => {
  const place = (rule: Rule) =>
    readPolicies({ ruleSets: { main: [{ call: 'drain' }, rule] } }).faults.map(({ ruleSet, rule: at, field }) => [
      ruleSet,
      at,
      field,
    ]);
  const cases: readonly (readonly [Rule, string | undefined])[] = [
    [{ name: 'odd' }, undefined],
    [{ match: { prefixes: ['x'] }, end: 'accept' }, 'match.prefixes'],
    [{ match: { not: { prefixes: ['x'] } }, end: 'accept' }, 'match.not.prefixes'],
    [{ match: { not: {} }, end: 'accept' }, 'match.not'],
    [{ match: { nextHops: ['@x'] }, end: 'accept' }, 'match.nextHops'],
    [{ match: { allCommunities: ['x'] }, end: 'accept' }, 'match.allCommunities'],
    [{ match: { paths: ['('] }, end: 'accept' }, 'match.paths'],
    [{ match: { localPref: {} }, end: 'accept' }, 'match.localPref'],
    [{ set: { addCommunities: ['x:*'] }, end: 'accept' }, 'set.addCommunities'],
    [{ set: { prepend: { times: 51 } }, end: 'accept' }, 'set.prepend'],
    [{ set: { nextHop: 'x' }, end: 'accept' }, 'set.nextHop'],
    [{ call: 'lost' }, 'call'],
  ];
  for (const [rule, field] of cases) for (const found of place(rule)) assert.deepEqual(found, ['main', 1, field]);
  assert.ok(cases.every(([rule]) => place(rule).length > 0));
  const lists = { prefixLists: { ours: ['x'] }, asLists: { 'no name': ['1'] } };
  const { faults } = readPolicies({ ruleSets: { main: [{ end: 'accept' }] }, ownLists: { main: lists } });
  assert.deepEqual(
    faults.map(({ ruleSet, rule, field }) => [ruleSet, rule, field]),
    [
      ['main', undefined, 'asLists.no name'],
      ['main', undefined, 'prefixLists.ours'],
    ],
  );
});

test('a list of one rule set is known to that one alone, and goes before one of all', () => {
  const rules: Rule[] = [{ match: { prefixes: ['@ours'], paths: ['@theirs'] }, end: 'accept' }];
  const { errors } = readPolicies({
    ...{ prefixLists: { ours: ['10.0.0.0/8'] }, ruleSets: { a: rules, b: rules } },
    ownLists: { a: { prefixLists: { ours: ['192.0.2.0/24'] }, asLists: { theirs: ['64500'] } } },
  });
  assert.deepEqual(errors, [
    'rule set "b", rule 1 is wrong: path pattern "@theirs" names the AS list "theirs", which there is not',
  ]);
  const both: Policies = {
    ...{
      prefixLists: { ours: ['10.0.0.0/8'] },
      ruleSets: { main: [{ match: { prefixes: ['@ours'] }, end: 'accept' }] },
    },
    ownLists: { main: { prefixLists: { ours: ['192.0.2.0/24'] } } },
  };
  const table = new Bench(both, 'main');
  assert.deepEqual([table.accepts(ROUTE, '192.0.2.0/24'), table.accepts(ROUTE, '10.0.0.0/8')], [true, false]);
});

test('circles through others are found, and calls that grow without bounds', () => {
  const circle: Policies = { ruleSets: { a: [{ call: 'b' }], b: [{ call: 'c' }], c: [{ name: 'back', call: 'b' }] } };
  assert.deepEqual(readPolicies(circle).errors, [
    'rule set "c", rule "back" calls in a circle: "b" calls "c" calls "b"',
  ]);
  const ruleSets: Record<string, readonly Rule[]> = { s0: [{ end: 'accept' }] };
  for (let i = 1; i <= 20; i++) ruleSets[`s${i}`] = [{ call: `s${i - 1}` }, { call: `s${i - 1}` }];
  const { errors } = readPolicies({ ruleSets });
  assert.equal(errors[0], 'rule set "s16" asks one route more than 100000 rules: call fewer, or match them before');
});

/** Rule sets s1, s2, … of which each calls the one after it. */
const chainOf = (length: number): [string, readonly Rule[]][] =>
  Array.from({ length }, (_, i) => [`s${i + 1}`, i + 1 < length ? [{ call: `s${i + 2}` }] : [{ end: 'accept' }]]);

test('a chain of calls has a longest that is taken and asked, in whichever order it stands', () => {
  const orders: readonly (readonly [string, (list: [string, readonly Rule[]][]) => [string, readonly Rule[]][]])[] = [
    ['callers first', (list) => list],
    ['callers last', (list) => list.toReversed()],
    [
      'mixed',
      (list) =>
        list.toSorted(([a], [b]) => ((Number(a.slice(1)) * 7919) % 10007) - ((Number(b.slice(1)) * 7919) % 10007)),
    ],
  ];
  for (const [name, order] of orders) {
    const taken = new Bench({ ruleSets: Object.fromEntries(order(chainOf(MAX_DEPTH))) }, 's1');
    assert.ok(taken.accepts(ROUTE), name);
    for (const length of [MAX_DEPTH + 1, 5000]) {
      const { errors } = readPolicies({ ruleSets: Object.fromEntries(order(chainOf(length))) });
      assert.match(
        errors[0] ?? 'nothing',
        /^rule set "s\d+", rule 1 calls "s\d+" where more than 32 rule sets call each other in a chain: put some into one$/,
        name,
      );
      assert.ok(length > 5 * MAX_DEPTH || errors.length === 1, name);
    }
  }
  const builtIn = chainOf(MAX_DEPTH);
  builtIn.push([`s${MAX_DEPTH}`, [{ call: 'bogons' }, { end: 'accept' }]]);
  assert.match(
    readPolicies({ ruleSets: Object.fromEntries(builtIn) }).errors[0] ?? '',
    /^rule set "s32", rule 1 calls "bogons"/,
  );
});

test('a negation has none of its own, however deep one was made', () => {
  let match: Match = { families: ['ipv4-unicast'] };
  for (let i = 0; i < 10_000; i++) match = { prefixes: ['::/0'], not: match };
  assert.deepEqual(errorsOf({ match, end: 'accept' }), ['rule set "main", rule 1 has a "not" inside of a "not"']);
});

test('what comes in goes to nobody', () => {
  const { ruleSets } = readPolicies({
    ruleSets: { out: [{ call: 'in' }], in: [{ match: { to: ['x'] }, end: 'reject' }] },
  });
  assert.match(importError(ruleSets.get('out')!) ?? '', /^rule set "out" asks whom a route goes to/);
  assert.equal(importError(ruleSets.get('anycast')!), undefined);
});
