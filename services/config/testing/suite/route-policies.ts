import assert from 'node:assert/strict';
import type { JsonObject } from '@bufbuild/protobuf';
import { type Case, reasonOf } from './case.ts';

const POLICY = {
  prefixLists: [{ name: 'ours', prefixes: ['192.0.2.0/24', '2001:db8:a::/48'] }],
  asLists: [{ name: 'private', ases: ['64512-65534'] }],
  rules: [
    { name: 'leaks', match: { paths: ['.* @private .*'], not: { prefixes: ['@ours'] } }, end: 'reject' },
    { name: 'backup', match: { communities: ['64500:666'] }, set: { localPref: 0, noMed: true }, end: 'accept' },
    { call: 'bogons' },
    { set: { addCommunities: ['64512:7'], prepend: { times: 2 } }, end: 'accept' },
  ],
};

export const routePolicies = async ({ send, id }: Case): Promise<void> => {
  const path = '/v1/route-policies';
  const [inbound, outbound, pop] = [id('in'), id('out'), id('policed')];
  const made = await send('POST', path, { id: inbound, ...POLICY });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  assert.deepEqual(made.json.rules, POLICY.rules);
  assert.deepEqual((await send('GET', `${path}/${inbound}`)).json, made.json);
  assert.deepEqual(await reasonOf(send('POST', path, { id: inbound, ...POLICY })), [409, 'ROUTE_POLICY_EXISTS']);
  assert.equal((await send('POST', path, { id: outbound, rules: [{ call: inbound }] })).status, 201);
  const { policies } = (await send('GET', `${path}?page.size=1000`)).json;
  assert.ok([inbound, outbound].every((one) => policies.some((policy: { id: string }) => policy.id === one)));

  await send('POST', '/v1/pops', { id: pop });
  const neighbors = `/v1/pops/${pop}/bgp-neighbors`;
  const router = { id: 'transit1', address: '198.51.100.1', remoteAsn: 64_500 };
  for (const [field, name] of [
    ['importPolicy', id('lost')],
    ['exportPolicy', id('lost')],
    ['importPolicy', 'bogons'],
    ['exportPolicy', 'own'],
  ] as const) {
    const lost = await send('POST', neighbors, { ...router, [field]: name });
    const violation = lost.json.violations?.[0];
    assert.deepEqual([lost.status, violation?.field], [400, `neighbor.${field.replace('P', '_p')}`]);
    assert.equal(violation?.description, `there is no route policy "${name}"`);
  }
  const used = await send('POST', neighbors, { ...router, importPolicy: inbound, exportPolicy: outbound });
  assert.deepEqual([used.status, used.json.importPolicy, used.json.exportPolicy], [201, inbound, outbound]);
  // What comes in goes to nobody: neither by the neighbour's own policy, nor by one that it calls.
  const asks = [{ match: { to: ['transit1'] }, end: 'accept' }];
  const wrong = await send('PATCH', `${path}/${inbound}`, { rules: asks });
  assert.deepEqual([wrong.status, wrong.json.violations?.[0].field], [400, 'policy.rules'], JSON.stringify(wrong.json));
  assert.match(wrong.json.detail, new RegExp(`neighbor "${pop}/transit1" imports by it: .* use it for export`));
  assert.equal((await send('PATCH', `${path}/${outbound}`, { rules: asks })).status, 200);
  const circle = await send('PATCH', `${path}/${outbound}`, { rules: [{ call: outbound }] });
  assert.deepEqual([circle.status, circle.json.violations?.[0].field], [400, 'policy.rules[0].call']);

  for (const [one, why] of [
    [inbound, 'has it'],
    [outbound, 'has it'],
  ] as const) {
    const refused = await send('DELETE', `${path}/${one}`);
    assert.deepEqual([refused.status, refused.json.reason], [409, 'ROUTE_POLICY_IN_USE']);
    assert.ok(refused.json.detail.includes(why), refused.json.detail);
  }
  assert.equal((await send('PATCH', `${path}/${outbound}`, { rules: [{ call: inbound }] })).status, 200);
  assert.equal((await send('DELETE', `${neighbors}/transit1`)).status, 204);
  const called = await send('DELETE', `${path}/${inbound}`);
  assert.match(called.json.detail, new RegExp(`route policy "${outbound}" calls it; change that first`));
  for (const one of [`${path}/${outbound}`, `${path}/${inbound}`, `/v1/pops/${pop}`])
    assert.equal((await send('DELETE', one)).status, 204);
  assert.deepEqual(await reasonOf(send('GET', `${path}/${inbound}`)), [404, 'ROUTE_POLICY_NOT_FOUND']);
};

/** Rules that are no rules: the field, and what its sentence says. */
const BAD_RULES: readonly (readonly [rule: JsonObject, field: string, says: RegExp])[] = [
  [{ name: 'odd' }, 'rules[1]', /^rule "odd" does nothing/],
  [{ match: { prefixes: ['10.0.0.1/8'] }, end: 'accept' }, 'rules[1].match.prefixes', /^rule 2 .*is no prefix/],
  [{ match: { prefixes: ['@lost'] }, end: 'accept' }, 'rules[1].match.prefixes', /names the prefix list "lost"/],
  [{ match: { not: { allCommunities: ['x'] } }, end: 'accept' }, 'rules[1].match.not.all_communities', /no community/],
  [{ match: { not: { not: {} } }, end: 'accept' }, 'rules[1].match.not', /must have no not of its own/],
  [{ match: { med: {} }, end: 'accept' }, 'rules[1].match.med', /without saying which/],
  [{ match: { families: ['ipv5'] }, end: 'accept' }, 'rules[1].match.families[0]', /ipv4-unicast/],
  [{ match: { attributes: [256] }, end: 'accept' }, 'rules[1].match.attributes[0]', /255/],
  [{ set: { med: 1, noMed: true }, end: 'accept' }, 'rules[1].set', /not both/],
  [{ set: { prepend: { times: 51 } }, end: 'accept' }, 'rules[1].set.prepend.times', /50/],
  [{ set: { nextHop: 'me' }, end: 'accept' }, 'rules[1].set.next_hop', /neither an IP address nor self/],
  [{ call: 'lost' }, 'rules[1].call', /calls the rule set "lost"/],
  [{ end: 'drop' }, 'rules[1].end', /accept/],
];

const BAD_POLICIES: readonly (readonly [policy: JsonObject, field: string])[] = [
  [{}, 'rules'],
  [{ id: 'own', rules: [{ end: 'accept' }] }, 'id'],
  [{ id: 'bogons', rules: [{ end: 'accept' }] }, 'id'],
  [{ prefixLists: [{ name: 'x', prefixes: ['y'] }], rules: [{ end: 'accept' }] }, 'prefix_lists[0]'],
  [{ prefixLists: [{ name: 'x' }, { name: 'x' }], rules: [{ end: 'accept' }] }, 'prefix_lists[1].name'],
  [{ asLists: [{ name: 'no name' }], rules: [{ end: 'accept' }] }, 'as_lists[0].name'],
  [{ rules: Array.from({ length: 1001 }, () => ({ call: 'bogons' })) }, 'rules'],
];

export const badPolicies = async ({ send }: Case): Promise<void> => {
  for (const [rule, field, says] of BAD_RULES) {
    const { status, json } = await send('POST', '/v1/route-policies', { rules: [{ call: 'bogons' }, rule] });
    const [violation] = json.violations ?? [];
    assert.deepEqual([status, violation?.field], [400, `policy.${field}`], JSON.stringify([rule, json]));
    assert.match(violation.description, says);
  }
  // What takes long to read is refused, as soon as it is known to.
  const patterns = Array.from({ length: 1000 }, (_, i) => `${i + 1} .{0,255}`);
  const long = { rules: [{ match: { paths: patterns }, end: 'accept' }] };
  const list = Array.from({ length: 9_900 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  const rules = Array.from({ length: 21 }, (_, i) => ({ match: { prefixes: ['@all'] }, set: { med: i } }));
  const wide = { prefixLists: [{ name: 'all', prefixes: list }], rules };
  for (const [policy, field, says] of [
    [long, 'rules[0].match.paths', /more than 200000 steps of path patterns: name fewer/],
    [wide, 'rules[20].match.prefixes', /more than 200000 prefixes: name fewer/],
  ] as const) {
    const { status, json } = await send('POST', '/v1/route-policies', policy);
    const [violation] = json.violations ?? [];
    assert.deepEqual([status, violation?.field, json.violations?.length], [400, `policy.${field}`, 1]);
    assert.match(violation.description, says);
  }
  const many = Array.from({ length: 100 }, () => ({ match: { prefixes: ['x'] }, end: 'accept' }));
  assert.equal((await send('POST', '/v1/route-policies', { rules: many })).json.violations?.length, 20);
  for (const [policy, field] of BAD_POLICIES) {
    const { status, json } = await send('POST', '/v1/route-policies', policy);
    assert.deepEqual([status, json.violations?.[0].field], [400, `policy.${field}`], JSON.stringify([policy, json]));
  }
};

/** Policies that call each other have a longest chain; a `not` has none inside. */
export const deepPolicies = async ({ send, id }: Case): Promise<void> => {
  const path = '/v1/route-policies';
  const nameOf = (i: number): string => id(`deep${i}`);
  const longest = 32;
  for (let i = 1; i <= longest; i++) {
    const rules = i === 1 ? [{ end: 'accept' }] : [{ call: nameOf(i - 1) }];
    const { status, json } = await send('POST', path, { id: nameOf(i), rules });
    assert.equal(status, 201, JSON.stringify(json));
  }
  const says = /calls ".*" where more than 32 rule sets call each other in a chain: put some into one$/;
  const more = await send('POST', path, { id: id('more'), rules: [{ call: nameOf(longest) }] });
  const [violation] = more.json.violations ?? [];
  assert.deepEqual([more.status, violation?.field], [400, 'policy.rules[0].call'], JSON.stringify(more.json));
  assert.match(violation.description, says);
  // At the other end of the chain: it is the others that could not be used.
  const below = await send('PATCH', `${path}/${nameOf(1)}`, { rules: [{ call: 'bogons' }] });
  assert.equal(below.status, 400, JSON.stringify(below.json));
  assert.match(below.json.violations?.[0].description, says);
  for (let i = longest; i > 0; i--) assert.equal((await send('DELETE', `${path}/${nameOf(i)}`)).status, 204);

  for (const depth of [2, 10_000]) {
    const match = `${'{"not":'.repeat(depth)}{"from":["own"]}${'}'.repeat(depth)}`;
    const { status, json } = await send('POST', path, `{"rules":[{"match":${match},"end":"accept"}]}`);
    assert.equal(status, 400, JSON.stringify(json));
    assert.match(JSON.stringify(json), depth === 2 ? /must have no not of its own/ : /maximum recursion depth of 100/);
  }
};
