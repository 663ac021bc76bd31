import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import { NO_CAPABILITIES } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { slotOf } from '#telemetry/slots.ts';
import { testLink } from './testing/link.ts';
import { BgpSide, until } from './testing/side.ts';

const root = { skip: needsRoot };
const PREFIX = '198.51.100.0/24';
const NO_EXPORT = [65_535, 65_281] as const;
const MISSING = slotOf('cloudbridge_bgp_missing_next_hops_count', {});

const sides = (t: TestContext, originate: readonly { readonly prefix: string }[]): [BgpSide, BgpSide] => {
  const [a, b] = testLink(t);
  return [new BgpSide(t, a, 64_500, { originate }), new BgpSide(t, b, 64_501)];
};

const withheldOf = async ({ thread }: BgpSide, asked: string, to?: string): Promise<string | undefined> => {
  const { routes } = await thread.explain(asked);
  const found = routes.find((route) => route.to !== undefined && (to === undefined || route.to === to));
  assert.ok(found?.explanation.accepted, 'policy would have it told');
  return found.withheld;
};

test(
  'an explanation says what a neighbour is sent, or why it is sent nothing whatever policy says',
  root,
  async (t) => {
    const kept = { prefix: '203.0.113.0/24', communities: [NO_EXPORT] };
    const [one, other] = sides(t, [{ prefix: PREFIX }, kept]);
    one.add(other);
    const apart = { address: '192.0.2.77', session: { isPassive: true } };
    one.add(other, { ...apart, name: 'off', shutdown: 'for now' });
    const families = [Family.ipv6Unicast];
    const session = { ...apart.session, capabilities: { ...NO_CAPABILITIES, families } };
    one.add(other, { ...apart, address: '192.0.2.78', name: 'ipv6', session });
    one.add(other, { ...apart, address: '192.0.2.79', name: 'absent' });
    other.add(one);
    await Promise.all([one.up(), other.up()]);
    const name = other.end.namespace;
    const { prefix, routes } = await one.thread.explain('198.51.100.77');
    assert.equal(prefix, PREFIX, 'the longest that the address is in');
    assert.deepEqual(routes.find(({ to }) => to === name)?.told, [
      ['NEXT_HOP', one.end.address4],
      ['ORIGIN', 'igp'],
      ['AS_PATH', '64500'],
    ]);
    assert.match((await withheldOf(one, kept.prefix, name)) ?? '', /NO_EXPORT/);
    assert.match((await withheldOf(one, PREFIX, 'off')) ?? '', /shut down/);
    assert.match((await withheldOf(one, PREFIX, 'ipv6')) ?? '', /^ipv4-unicast is not among the neighbour's families$/);
    assert.match((await withheldOf(one, PREFIX, 'absent')) ?? '', /no session/);
    assert.deepEqual(await one.thread.explain('198.18.0.1'), { prefix: '198.18.0.1', routes: [] });
  },
);

test(
  'a neighbour that no next hop can be told is told so: explanation, status, a notice, a metric',
  root,
  async (t) => {
    const [one, other] = sides(t, [{ prefix: PREFIX }, { prefix: '2001:db8:a::/48' }]);
    const routes = { nextHop4: undefined };
    const id = one.add(other, { address: other.end.address6, routes });
    other.add(one, { address: one.end.address6 });
    await Promise.all([one.up(), other.up()]);
    await until('it is counted', () => one.thread.slots[MISSING] === 1);
    assert.match((await withheldOf(one, PREFIX)) ?? '', /no next hop/);
    assert.deepEqual((await one.status()).noNextHop, ['ipv4-unicast']);
    assert.equal((await other.status()).noNextHop, undefined);
    const told = () => one.notices.filter(({ type }) => type === 'no_next_hop');
    assert.deepEqual(told(), [{ type: 'no_next_hop', id, families: ['ipv4-unicast'] }]);
  },
);
