import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REJECT_ALL } from '#protocol/bgp/rib/route-policy.ts';
import { newRib, Peer } from '#protocol/bgp/rib/testing/peers.ts';
import type { Attributes } from '#protocol/bgp/rib/testing/route.ts';
import { type RouteCursor, type RouteView, routePage } from './route-list.ts';

const ROUTE: Attributes = { origin: 0, path: [64_500, 7], nextHop: '198.51.100.1', med: 9 };
const LONGER: Attributes = { origin: 0, path: [64_501, 8, 7], nextHop: '198.51.100.2' };

const twoPeers = () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501, importPolicy: REJECT_ALL }).up();
  const names = new Map([
    [one.index, 'one'],
    [two.index, 'two'],
  ]);
  return { rib, one, two, nameOf: (index: number) => names.get(index) };
};

test('each path to a prefix is listed, with the attributes that it came with when import has rejected it', () => {
  const { rib, one, two, nameOf } = twoPeers();
  one.announce(ROUTE, '203.0.113.0/24');
  two.announce(LONGER, '203.0.113.0/24', '198.18.0.0/15');
  const { routes, next } = routePage(rib, { isBest: false }, nameOf);
  assert.equal(next, undefined);
  const shared = { family: 'ipv4-unicast', pathId: 0, stale: false, longLived: false };
  const taken = {
    ...{ ...shared, prefix: '203.0.113.0/24', from: 'one', best: true, usable: true, nextHop: '198.51.100.1' },
    attributes: { ORIGIN: 'igp', AS_PATH: '64500 7', MULTI_EXIT_DISC: '9' },
  };
  const rejected = {
    ...{ ...shared, prefix: '203.0.113.0/24', from: 'two', best: false, usable: false, nextHop: '198.51.100.2' },
    attributes: { ORIGIN: 'igp', AS_PATH: '64501 8 7' },
  };
  assert.deepEqual(
    routes.toSorted((a, b) => `${a.prefix}${a.from}`.localeCompare(`${b.prefix}${b.from}`)),
    [{ ...rejected, prefix: '198.18.0.0/15' }, taken, rejected],
  );
});

test('only what is asked for is listed', () => {
  const { rib, one, two, nameOf } = twoPeers();
  one.announce(ROUTE, '203.0.113.0/24', '198.18.0.0/15');
  two.announce(LONGER, '203.0.113.0/24');
  const count = (query: Partial<Parameters<typeof routePage>[1]>): number =>
    routePage(rib, { isBest: false, ...query }, nameOf).routes.length;
  assert.equal(count({ isBest: true }), 2);
  assert.equal(count({ from: 'two' }), 1);
  assert.equal(count({ from: 'nobody' }), 0);
  assert.equal(count({ prefix: '203.0.113.0/24' }), 2);
  assert.equal(count({ prefix: '203.0.113.0/25' }), 0);
  assert.equal(count({ family: 'ipv6-unicast' }), 0);
});

test('pages are bounded, and together have each path once', () => {
  const { rib, one, nameOf } = twoPeers();
  const prefixes = Array.from({ length: 1200 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  one.announce(ROUTE, ...prefixes);
  const listed: RouteView[] = [];
  let cursor: RouteCursor | undefined;
  let pages = 0;
  do {
    const page = routePage(rib, { isBest: false, cursor }, nameOf);
    assert.ok(page.routes.length <= 500);
    listed.push(...page.routes);
    cursor = page.next;
    pages++;
  } while (cursor !== undefined);
  assert.equal(pages, 3);
  assert.deepEqual(listed.map(({ prefix }) => prefix).toSorted(), prefixes.toSorted());
});
