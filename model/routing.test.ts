import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clone,
  create,
  type DescField,
  fromBinary,
  getOption,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { field as rules } from '#proto/gen/buf/validate/validate_pb.ts';
import { type RoutingConfig, RoutingConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { RouteChangesSchema, RouteMatchSchema, RouteRuleSchema } from '#proto/gen/cloudbridge/v1/route_policy_pb.ts';
import { BgpRole } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { FAMILY_NAMES, ORIGIN_NAMES, ROLE_NAMES, RPKI_NAMES } from '#protocol/bgp/policy/rule.ts';
import { NO_ROUTING, policyFault, routingOf } from './routing.ts';

const CONFIG = create(RoutingConfigSchema, {
  prefixes: [
    { id: 'all', prefix: '192.0.2.0/24', communities: ['64500:1'] },
    { id: 'some', prefix: '2001:db8:a::/48', pops: ['moscow', 'oslo'] },
  ],
  neighbors: [
    { pop: 'moscow', id: 'plain', address: '198.51.100.1', remoteAsn: 64_500 },
    {
      ...{ pop: 'moscow', id: 'full', workers: ['m2'], address: '2001:db8::1', remoteAsn: 64_501, localAsn: 65_000 },
      ...{ role: BgpRole.PROVIDER, holdSeconds: 30, hops: 1, bfdIntervalMs: 50, passwordName: 'transit', prepend: 2 },
      ...{ med: 10, communities: ['64500:2'], maxPrefixes: 5, linkLocalNextHop: true },
    },
    { pop: 'moscow', id: 'off', address: '198.51.100.2', remoteAsn: 64_500, disabled: true },
    { pop: 'oslo', id: 'elsewhere', address: '198.51.100.3', remoteAsn: 64_500 },
  ],
  uplinks: [
    { pop: 'moscow', id: 'eth0', device: 'eth0', probeAddresses: ['198.51.100.1'] },
    { pop: 'oslo', id: 'eth1', device: 'eth1' },
  ],
});

test('a worker gets what is of its PoP and for it, with what the fields that are zero stand for', () => {
  const routing = routingOf(CONFIG, 'moscow', 'm1');
  assert.deepEqual(
    routing.prefixes.map(({ prefix }) => prefix),
    ['192.0.2.0/24', '2001:db8:a::/48'],
  );
  assert.deepEqual(routing.neighbors, [
    {
      ...{ id: 'plain', address: '198.51.100.1', remoteAsn: 64_500, localAsn: 64_512, role: undefined },
      ...{ holdSeconds: 9, hops: 0, bfd: undefined, passwordName: undefined, prepend: 0, med: 0, communities: [] },
      ...{ maxPrefixes: 1000, importPolicy: undefined, exportPolicy: undefined, linkLocalNextHop: false },
    },
  ]);
  assert.deepEqual(routing.uplinks, [
    { id: 'eth0', device: 'eth0', probeAddresses: ['198.51.100.1'], weight: 1, gateways: [] },
  ]);
  assert.deepEqual(routing.policies, { ruleSets: {} });
});

test('what is for another worker, disabled, or of another PoP is not its own', () => {
  const [, full] = routingOf(CONFIG, 'moscow', 'm2').neighbors;
  assert.deepEqual(full, {
    ...{ id: 'full', address: '2001:db8::1', remoteAsn: 64_501, localAsn: 65_000, role: 'provider', holdSeconds: 30 },
    ...{ hops: 1, bfd: { intervalMs: 50, multiplier: 3 }, passwordName: 'transit', prepend: 2, med: 10 },
    ...{ communities: ['64500:2'], maxPrefixes: 5, importPolicy: undefined, exportPolicy: undefined },
    linkLocalNextHop: true,
  });
  const none = routingOf(CONFIG, 'bergen', 'b1');
  assert.deepEqual([none.prefixes.length, none.neighbors, none.uplinks], [1, [], []]);
  assert.equal(routingOf(undefined, 'moscow', 'm1'), NO_ROUTING);
});

const POLICED = create(RoutingConfigSchema, {
  neighbors: [
    { pop: 'moscow', id: 'transit', address: '198.51.100.1', importPolicy: 'in', exportPolicy: 'out' },
    { pop: 'moscow', id: 'off', address: '198.51.100.2', importPolicy: 'bad', disabled: true },
    { pop: 'oslo', id: 'other', address: '198.51.100.3', importPolicy: 'bad' },
  ],
  policies: [
    { id: 'in', rules: [{ call: 'common' }, { call: 'bogons' }, { end: 'accept' }] },
    { id: 'out', rules: [{ end: 'accept' }] },
    { id: 'common', rules: [{ match: { rpki: ['invalid'] }, end: 'reject' }] },
    { id: 'bad', rules: [{ name: 'odd', end: 'discard' }] },
    { id: 'unused', rules: [{ call: 'lost' }] },
  ],
});

test('a worker gets the policies of its neighbours and those that they call; what others have does not matter to it', () => {
  assert.equal(policyFault(POLICED, 'moscow', 'm1'), undefined);
  const { policies, neighbors } = routingOf(POLICED, 'moscow', 'm1');
  assert.deepEqual(Object.keys(policies.ruleSets), ['in', 'out', 'common']);
  assert.deepEqual(
    neighbors.map(({ id, importPolicy, exportPolicy }) => [id, importPolicy, exportPolicy]),
    [['transit', 'in', 'out']],
  );
  assert.equal(policyFault(undefined, 'moscow', 'm1'), undefined);
});

test('policies that a worker cannot have as they are meant, with the place of what is wrong', () => {
  assert.equal(
    policyFault(POLICED, 'oslo', 'o1'),
    'route policy "bad" cannot be used: rules[0].end: is "discard", which is none of accept, reject, return',
  );
  const faultOf = (change: (config: RoutingConfig) => void): string | undefined => {
    const config = clone(RoutingConfigSchema, POLICED);
    change(config);
    return policyFault(config, 'moscow', 'm1');
  };
  const rule = (at: number, given: MessageInitShape<typeof RouteRuleSchema>) => (config: RoutingConfig) =>
    void config.policies[at]?.rules.unshift(create(RouteRuleSchema, given));
  const gone = (id: string) => (config: RoutingConfig) => {
    config.policies = config.policies.filter((policy) => policy.id !== id);
  };
  const cases = [
    [gone('in'), /^neighbour "transit" cannot import by its policy: there is no route policy "in"$/],
    [gone('common'), /^route policy "in" cannot be used: rules\[0\]\.call: rule 1 calls the rule set "common"/],
    [
      rule(0, { name: 'odd', match: { prefixes: ['x'] }, end: 'accept' }),
      /rules\[0\]\.match\.prefixes: rule "odd" is wrong/,
    ],
    [rule(2, { match: { to: ['x'] }, end: 'reject' }), /^neighbour "transit" cannot import by .*: use it for export$/],
    [rule(0, { match: { not: { not: { to: ['x'] } } } }), /rules\[0\]\.match\.not\.not: is one too many/],
    [
      rule(0, { match: { fromRoles: ['friend'] }, end: 'accept' }),
      /match\.from_roles\[0\]: is "friend", which is none of/,
    ],
    [rule(0, { set: { origin: 'odd' } }), /set\.origin: is "odd"/],
  ] as const;
  for (const [change, says] of cases) assert.match(faultOf(change) ?? 'nothing', says);
});

test('policies that call each other in a chain of thousands are refused in a sentence', () => {
  const config = create(RoutingConfigSchema, {
    neighbors: [{ pop: 'moscow', id: 'transit', address: '198.51.100.1', importPolicy: 'p0' }],
    policies: Array.from({ length: 5000 }, (_, i) => ({ id: `p${i}`, rules: [{ call: `p${i + 1}` }] })),
  });
  assert.match(
    policyFault(config, 'moscow', 'm1') ?? 'nothing',
    /^route policy "p31" cannot be used: rules\[0\]\.call: rule 1 calls "p32" where more than 32 rule sets call/,
  );
});

test('a rule with a field of tomorrow is no rule of today: without it the rule would be another', () => {
  const tomorrow = { no: 99, wireType: 0, data: Uint8Array.of(1) };
  const match = create(RouteMatchSchema, { from: ['own'] });
  match.$unknown = [tomorrow];
  const config = create(RoutingConfigSchema, {
    neighbors: [{ pop: 'moscow', id: 'transit', address: '198.51.100.1', exportPolicy: 'out' }],
    policies: [{ id: 'out', rules: [{ match, end: 'accept' }] }],
  });
  const carried = fromBinary(RoutingConfigSchema, toBinary(RoutingConfigSchema, config));
  assert.match(
    policyFault(carried, 'moscow', 'm1') ?? '',
    /"out" has what this version does not know: update the worker/,
  );
  assert.equal(policyFault(carried, 'oslo', 'o1'), undefined);
});

test('the words that the API takes are those of the rules', () => {
  const wordsOf = (field: DescField): readonly string[] => {
    const { type } = getOption(field, rules);
    const text = type.case === 'repeated' ? type.value.items?.type : type;
    return text?.case === 'string' ? text.value.in.filter((word) => word !== '') : [];
  };
  const { field: match } = RouteMatchSchema;
  assert.deepEqual(wordsOf(match.families), FAMILY_NAMES);
  for (const field of [match.fromRoles, match.toRoles]) assert.deepEqual(wordsOf(field), ROLE_NAMES);
  assert.deepEqual(new Set(wordsOf(match.rpki)), new Set(RPKI_NAMES));
  for (const field of [match.origins, RouteChangesSchema.field.origin]) assert.deepEqual(wordsOf(field), ORIGIN_NAMES);
});
