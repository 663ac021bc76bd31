import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Family } from '../wire/families.ts';
import { REJECT, REJECT_ALL } from './route-policy.ts';
import { newRib, Peer } from './testing/peers.ts';
import { attributesOf } from './testing/policies.ts';
import { type Attributes, words } from './testing/route.ts';

const ROUTE: Attributes = { origin: 0, path: [64_500, 7], nextHop: '198.51.100.1' };
const LONGER: Attributes = { origin: 0, path: [64_501, 8, 7], nextHop: '198.51.100.2' };

const empty = ({ store, families }: ReturnType<typeof newRib>): readonly number[] => [
  store.size,
  families.reduce((sum, { destinations }) => sum + destinations.size, 0),
];

test('a route of one neighbour is told to another, with our AS and our next hop, until it is withdrawn', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  one.announce(ROUTE, '203.0.113.0/24', '198.18.0.0/15');
  one.announce({ ...ROUTE, nextHop: '2001:db8::7' }, '2001:db8:1::/48');
  two.read();
  const told = { ...ROUTE, path: [64_512, 64_500, 7], nextHop: '192.0.2.1' };
  assert.deepEqual(Object.fromEntries(two.told), {
    '203.0.113.0/24': told,
    '198.18.0.0/15': told,
    '2001:db8:1::/48': { ...told, nextHop: '2001:db8::1' },
  });
  assert.deepEqual(two.marks, [`end ${Family.ipv4Unicast}`, `end ${Family.ipv6Unicast}`]);
  assert.equal(one.read().told.size, 0, 'and not to whom it is from');
  one.withdraw('203.0.113.0/24', '198.18.0.0/15');
  one.withdraw('2001:db8:1::/48');
  assert.equal(two.read().told.size, 0);
  assert.deepEqual(empty(rib), [0, 0], 'nothing is kept of it');
});

test('the better of two routes is told, and the other when its neighbour goes', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  const three = new Peer(rib, { as: 64_502 }).up();
  two.announce(LONGER, '203.0.113.0/24');
  one.announce(ROUTE, '203.0.113.0/24');
  assert.deepEqual(three.read().told.get('203.0.113.0/24')?.path, [64_512, 64_500, 7]);
  assert.deepEqual(two.read().told.get('203.0.113.0/24')?.path, [64_512, 64_500, 7]);
  one.down();
  assert.deepEqual(three.read().told.get('203.0.113.0/24')?.path, [64_512, 64_501, 8, 7]);
  assert.equal(two.read().told.size, 0);
  two.down();
  assert.equal(three.read().told.size, 0);
  assert.deepEqual(empty(rib), [0, 0]);
});

test('paths to a prefix, and how many there are of a neighbour, can be looked at', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501, importPolicy: REJECT_ALL }).up();
  const three = new Peer(rib, { as: 64_502 }).up();
  one.announce(ROUTE, '203.0.113.0/24', '198.18.0.0/15');
  two.announce(LONGER, '203.0.113.0/24');
  const { address, length, family } = words('203.0.113.0/24');
  const views = rib.pathsTo(family, address, length);
  assert.deepEqual(
    views.map(({ source, isBest, isUsable, isStale }) => ({ source, isBest, isUsable, isStale })),
    [
      { source: two.index, isBest: false, isUsable: false, isStale: false },
      { source: one.index, isBest: true, isUsable: true, isStale: false },
    ],
  );
  assert.deepEqual(attributesOf(rib.store, views[0]?.received as number), LONGER);
  assert.equal(views[0]?.accepted, REJECT);
  assert.deepEqual(attributesOf(rib.store, views[1]?.accepted as number), ROUTE);
  three.read();
  one.announce({ ...ROUTE, path: [64_500] }, '198.18.0.0/15');
  const counts = { family, received: 0, accepted: 0, told: 0, pending: 0 };
  assert.deepEqual(rib.countsOf(one.index)[0], { ...counts, received: 2, accepted: 2 });
  assert.deepEqual(rib.countsOf(two.index)[0], { ...counts, received: 1, pending: 2 });
  assert.deepEqual(rib.countsOf(three.index)[0], { ...counts, told: 2, pending: 1 });
  one.down([family]);
  rib.keepLongLived(one.index, family);
  assert.deepEqual(
    rib.pathsTo(family, address, length).map(({ isStale, isLongLived }) => [isStale, isLongLived]),
    [
      [false, false],
      [true, true],
    ],
  );
  assert.deepEqual(rib.countsOf(one.index)[0], { ...counts, received: 2, accepted: 2 });
  assert.deepEqual(rib.pathsTo(family, address, 23), []);
});
