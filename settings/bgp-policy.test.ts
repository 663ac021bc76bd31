import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPolicies } from '#protocol/bgp/policy/program.ts';
import { PolicyFile, policiesOf } from './bgp-policy.ts';
import { ConfigError, parseJson, parseToml } from './toml-file.ts';

const WHOLE = `
prefix_lists.ours = ["198.51.100.0/24 le 32"]
as_lists.theirs = ["64500", "64600-64610"]

[[rule_sets.from-upstream]]
call = "bogons"
[[rule_sets.from-upstream]]
name = "regional"
match = { paths = ["@theirs .*"], communities = ["64500:1-99"], not = { prefixes = ["@ours"], next_hops = ["192.0.2.1"] } }
set = { local_pref = 200, med = "none", prepend = { times = 2, as = 64512 }, add_communities = ["64512:1:1"] }
end = "accept"

[[rule_sets.to-upstream]]
match = { from = ["own"], to_roles = ["provider"], path_length = { most = 0 }, all_communities = ["1:1", "2:2"] }
set = { local_pref = 7, next_hop = "self", origin = "egp", remove_communities = ["*:*"] }
end = "accept"
`;

test('all of it comes to the rules, from TOML and from JSON', () => {
  const file = parseToml(PolicyFile, WHOLE, 'x.toml');
  assert.deepEqual(parseJson(PolicyFile, JSON.stringify(file), 'x.json'), file);
  const { ruleSets } = readPolicies(policiesOf(file));
  const texts = ['from-upstream', 'to-upstream'].map((name) =>
    ruleSets
      .get(name)
      ?.rules.map(({ name: rule, conditions, changes, call, end }) => [
        rule,
        [...conditions, ...changes].map(({ text }) => text),
        call?.name ?? end,
      ]),
  );
  assert.deepEqual(texts, [
    [
      ['rule 1', [], 'bogons'],
      [
        'regional',
        [
          'community 64500:1-99',
          'path @theirs .*',
          'not (next hop 192.0.2.1, prefix @ours)',
          'local-pref 200',
          'without med',
          'prepend 64512 2 times',
          'communities 64512:1:1',
        ],
        'accept',
      ],
    ],
    [
      [
        'rule 1',
        [
          'from own',
          'to a provider',
          'path length at most 0',
          'community 1:1',
          'community 2:2',
          'local-pref 7',
          'origin egp',
          'next hop self',
          'without communities *:*',
        ],
        'accept',
      ],
    ],
  ]);
});

test('what is wrong is said with its place', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['rule_sets.a = [{ call = "b" }]', /rule set "a", rule 1 calls the rule set "b", which there is not/],
    ['rule_sets.a = [{ match = { path = ["."] }, end = "accept" }]', /rule_sets\.a\.0\.match.*path/],
    ['rule_sets.a = [{ end = "stop" }]', /rule_sets\.a\.0\.end/],
    ['rule_sets.a = [{ set = { local_pref = 4294967296 } }]', /rule_sets\.a\.0\.set\.local_pref/],
    ['rule_sets."a b" = []', /"a b" is no name for a rule set/],
    ['prefix_lists.a = ["10.0.0.0/33"]', /prefix list "a" is wrong: "10\.0\.0\.0\/33" is no prefix/],
  ];
  for (const [text, expected] of cases)
    assert.throws(
      () => parseToml(PolicyFile, text, 'x.toml'),
      (error) => error instanceof ConfigError && expected.test(error.message),
      text,
    );
});

test('what is inside of itself too often is a line, and no stack that overflows', () => {
  const says = (text: string, expected: RegExp, format: 'toml' | 'json'): void =>
    assert.throws(
      () => (format === 'toml' ? parseToml : parseJson)(PolicyFile, text, `x.${format}`),
      (error) => error instanceof ConfigError && expected.test(error.message),
    );
  const chain = Array.from({ length: 5000 }, (_, i) => [`s${i}`, `s${i + 1}`] as const);
  const tooLong = /rule set "s31", rule 1 calls "s32" where more than 32 rule sets call each other in a chain/;
  says(chain.map(([name, next]) => `rule_sets.${name} = [{ call = "${next}" }]`).join('\n'), tooLong, 'toml');
  const sets = Object.fromEntries(chain.map(([name, next]) => [name, [{ call: next }]]));
  says(JSON.stringify({ rule_sets: sets }), tooLong, 'json');
  const deep = 10_000;
  const inline = `${'{ not = '.repeat(deep)}{}${' }'.repeat(deep)}`;
  says(`rule_sets.a = [{ match = ${inline}, end = "accept" }]`, /^x\.toml:1:\d+: .*excessively nested/, 'toml');
  const dotted = `rule_sets.a = [{ match.${'not.'.repeat(deep)}from = ["own"], end = "accept" }]`;
  says(dotted, /there is no setting rule_sets\.a\.0\.match\.not\.not:/, 'toml');
  const json = `${'{"not":'.repeat(deep)}{}${'}'.repeat(deep)}`;
  says(`{"rule_sets":{"a":[{"match":${json}}]}}`, /there is no setting rule_sets\.a\.0\.match\.not\.not:/, 'json');
});
