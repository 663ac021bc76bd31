/** What is taken of neighbours, how long it is kept, and what is too much. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BgpError, CeaseSubcode, ErrorCode } from '../errors.ts';
import { Role } from '../wire/capabilities/definition.ts';
import { Community } from '../wire/communities.ts';
import { Family } from '../wire/families.ts';
import { withLocalPref } from './edits.ts';
import { MAX_PATHS_OF_DESTINATION } from './neighbour.ts';
import { UNREACHABLE } from './next-hops.ts';
import { ACCEPT_ALL, REJECT_ALL, type RoutePolicy } from './route-policy.ts';
import { LOCAL_AS, newRib, Peer } from './testing/peers.ts';
import { type Attributes, addressBytes } from './testing/route.ts';

const ROUTE: Attributes = { origin: 0, path: [64_500, 7], nextHop: '198.51.100.1' };
const V4 = Family.ipv4Unicast;
const PREFIX = '203.0.113.0/24';

/** What a route server's client, of AS 64509, is told of a route of one prefix: nothing is changed on the way. */
const seen = (rib: ReturnType<typeof newRib>) => {
  const peer = new Peer(rib, { as: 64_509, isServed: true }, { longLived: [{ family: V4 }] }).up();
  return (prefix = PREFIX): Attributes | undefined => peer.read().told.get(prefix);
};

const cease = (subcode: number) => (error: unknown) =>
  error instanceof BgpError && error.code === ErrorCode.cease && error.subcode === subcode;

test('without a policy nothing is taken, and nothing is told (RFC 8212)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500, importPolicy: REJECT_ALL }).up();
  const two = new Peer(rib, { as: 64_501, exportPolicy: REJECT_ALL }).up();
  const look = seen(rib);
  one.announce(ROUTE, PREFIX);
  assert.equal(look(), undefined);
  assert.equal(rib.families[0]?.paths.size, 1, 'it is kept, should policy change');
  one.change({ importPolicy: ACCEPT_ALL });
  assert.deepEqual(look(), ROUTE);
  assert.equal(two.read().told.size, 0);
});

test('loops and routes to ourselves are not taken (RFC 4271 §6.3, §9.1.2; RFC 4456 §8)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const inside = new Peer(rib, { as: LOCAL_AS }).up();
  const look = seen(rib);
  const isTaken = (peer: Peer, changed: Partial<Attributes>): boolean => {
    peer.announce({ ...ROUTE, ...changed }, PREFIX);
    const isThere = look() !== undefined;
    peer.withdraw(PREFIX);
    return isThere;
  };
  assert.ok(isTaken(one, {}) && isTaken(inside, {}));
  assert.ok(!isTaken(one, { path: [64_500, LOCAL_AS, 7] }));
  assert.ok(!isTaken(inside, { path: [7, LOCAL_AS] }));
  assert.ok(!isTaken(one, { nextHop: '192.0.2.1' }) && isTaken(one, { nextHop: '192.0.2.2' }));
  assert.ok(!isTaken(inside, { originator: 1 }) && isTaken(inside, { originator: 2 }));
  assert.ok(!isTaken(inside, { clusters: [2, 1] }) && isTaken(inside, { clusters: [2, 3] }));
});

test('roles: leaks are not taken, what is for customers only is marked and goes to customers only (RFC 9234 §5)', () => {
  const rib = newRib();
  const of = (as: number, localRole: number) => new Peer(rib, { as }, { localRole }).up();
  const customer = of(64_500, Role.provider);
  const provider = of(64_501, Role.customer);
  const peer = of(64_502, Role.peer);
  const all = [customer, provider, peer];
  const told = (from: Peer, otc?: number): (number | boolean | undefined)[] => {
    const route = { ...ROUTE, path: [from.settings.as, 7], ...(otc === undefined ? {} : { otc }) };
    from.announce(route, PREFIX);
    const otcs = all.map((one) => {
      const known = one.read().told.get(PREFIX);
      return known === undefined ? false : known.otc;
    });
    from.withdraw(PREFIX);
    for (const one of all) assert.equal(one.read().told.size, 0);
    return otcs;
  };
  assert.deepEqual(told(customer), [false, undefined, LOCAL_AS]);
  assert.deepEqual(told(customer, 7), [false, false, false], 'a leak');
  assert.deepEqual(told(provider), [64_501, false, false]);
  assert.deepEqual(told(provider, 7), [7, false, false]);
  assert.deepEqual(told(peer), [64_502, false, false]);
  assert.deepEqual(told(peer, 64_502), [64_502, false, false]);
  assert.deepEqual(told(peer, 7), [false, false, false], 'a leak');
});

test('the role of a neighbour that is away is not forgotten when its policy changes', () => {
  const rib = newRib();
  const provider = new Peer(rib, { as: 64_501 }, { localRole: Role.customer }).up();
  const look = seen(rib);
  provider.announce({ ...ROUTE, path: [64_501, 7] }, PREFIX);
  provider.down([V4]);
  provider.change({ importPolicy: { ...ACCEPT_ALL } });
  assert.equal(look()?.otc, 64_501);
});

test('GRACEFUL_SHUTDOWN makes a route the last resort, whatever policy says (RFC 8326 §4.2)', () => {
  const rib = newRib();
  const importPolicy: RoutePolicy = {
    setsMed: false,
    apply: (_source, _family, _destination, set) => withLocalPref(rib.store, set, 300),
  };
  const one = new Peer(rib, { as: 64_500, importPolicy }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  const inside = new Peer(rib, { as: LOCAL_AS }).up();
  one.announce(ROUTE, PREFIX);
  two.announce({ ...ROUTE, path: [64_501, 8, 7] }, PREFIX);
  assert.equal(inside.read().told.get(PREFIX)?.localPref, 300);
  one.announce({ ...ROUTE, communities: [Community.gracefulShutdown] }, PREFIX);
  assert.deepEqual(inside.read().told.get(PREFIX)?.path, [64_501, 8, 7]);
  two.withdraw(PREFIX);
  assert.equal(inside.read().told.get(PREFIX)?.localPref, 0);
});

test('routes of a neighbour that is away are kept until it has told all again (RFC 4724 §4.2)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const look = seen(rib);
  one.announce(ROUTE, PREFIX, '198.18.0.0/15');
  one.down([V4]);
  assert.deepEqual([look(), look('198.18.0.0/15')], [ROUTE, ROUTE]);
  one.up();
  one.announce(ROUTE, PREFIX);
  one.endOfRib(Family.ipv6Unicast);
  assert.deepEqual(look('198.18.0.0/15'), ROUTE, 'of another family');
  one.endOfRib(V4);
  assert.deepEqual([look(), look('198.18.0.0/15')], [ROUTE, undefined]);
  one.down([V4]);
  one.up();
  one.down([V4]);
  assert.equal(look(), undefined, 'it was stale already');
  one.up();
  one.announce(ROUTE, PREFIX);
  one.down([V4]);
  one.session = { ...one.session, families: [Family.ipv6Unicast] };
  one.up();
  assert.equal(look(), undefined, 'of a family that is no more');
});

test('what is kept for long is marked, preferred to nothing else, and not told to who does not know (RFC 9494 §4)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  const plain = new Peer(rib, { as: 64_502 }).up();
  const look = seen(rib);
  one.announce({ ...ROUTE, communities: [7] }, PREFIX);
  one.announce({ ...ROUTE, communities: [Community.noLlgr] }, '198.18.0.0/15');
  one.announce({ ...ROUTE, communities: [Community.llgrStale] }, '198.51.100.0/24');
  one.down([V4]);
  rib.keepLongLived(one.index, V4);
  assert.deepEqual(look()?.communities, [7, Community.llgrStale]);
  assert.equal(look('198.18.0.0/15'), undefined);
  assert.deepEqual(look('198.51.100.0/24')?.communities, [Community.llgrStale]);
  assert.deepEqual([...plain.read().told.keys()], []);
  one.change({ importPolicy: { ...ACCEPT_ALL } });
  assert.deepEqual(look()?.communities, [7, Community.llgrStale], 'policy does not make it fresh');
  two.announce({ ...ROUTE, path: [64_501, 9, 8, 7] }, PREFIX);
  assert.deepEqual(look()?.path, [64_501, 9, 8, 7]);
  two.withdraw(PREFIX);
  one.up();
  one.announce(ROUTE, PREFIX);
  assert.deepEqual(look(), ROUTE);
  rib.dropStale(one.index, V4);
  assert.deepEqual([...plain.read().told.keys()], [PREFIX]);
  assert.equal(rib.store.size, 1);
});

test('what is not told again between the marks of a refresh goes, marks before End-of-RIB are ignored (RFC 7313 §4)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }, { gracefulRestart: {} }).up();
  const look = seen(rib);
  one.announce(ROUTE, PREFIX, '198.18.0.0/15');
  assert.ok(!rib.refreshBegins(one.index, V4));
  rib.refreshEnds(one.index, V4);
  assert.deepEqual(look(), ROUTE);
  one.endOfRib(V4);
  assert.ok(rib.refreshBegins(one.index, V4));
  one.announce(ROUTE, PREFIX);
  assert.deepEqual(look('198.18.0.0/15'), ROUTE);
  rib.refreshEnds(one.index, V4);
  assert.deepEqual([look(), look('198.18.0.0/15')], [ROUTE, undefined]);
});

test('a neighbour that announces more than its limit loses its session (RFC 4486 §4)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500, limits: [{ family: V4, paths: 2 }] }).up();
  one.announce(ROUTE, PREFIX, '198.18.0.0/15');
  one.announce({ ...ROUTE, path: [64_500, 8] }, PREFIX);
  one.withdraw(PREFIX);
  one.announce(ROUTE, PREFIX);
  one.announce({ ...ROUTE, nextHop: '2001:db8::7' }, '2001:db8:1::/48', '2001:db8:2::/48', '2001:db8:3::/48');
  assert.throws(
    () => one.announce(ROUTE, '10.0.0.0/8'),
    (error) => {
      assert.ok(cease(CeaseSubcode.maximumPrefixes)(error));
      assert.deepEqual([...(error as BgpError).data], [0, 1, 1, 0, 0, 0, 2]);
      return true;
    },
  );
  one.down();
  assert.deepEqual([rib.store.size, rib.families[0]?.destinations.size], [0, 0]);
});

test('no neighbour has more paths of a prefix than there may be', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 });
  one.session = { ...one.session, rules: { ...one.session.rules, pathIdFamilies: [V4] } };
  one.up();
  for (let i = 0; i < MAX_PATHS_OF_DESTINATION; i++) one.announce(ROUTE, `${PREFIX} ${i}`);
  one.announce(ROUTE, `${PREFIX} 1`);
  assert.throws(() => one.announce(ROUTE, `${PREFIX} 77`), cease(CeaseSubcode.maximumPrefixes));
  one.down();
  assert.deepEqual([rib.store.size, rib.families[0]?.destinations.size], [0, 0]);
});

test('who has announced what takes more memory than there may be loses its session', () => {
  const rib = newRib({ mostBytes: 4 * 1024 * 1024 });
  const one = new Peer(rib, { as: 64_500 }).up();
  const announce = (): void => {
    for (let i = 0; i < 4000; i++)
      one.announce({ ...ROUTE, path: [64_500, i + 1], unknown: 2000 }, `10.${i >>> 8}.${i & 255}.0/24`);
  };
  assert.throws(announce, cease(CeaseSubcode.outOfResources));
  assert.ok(rib.memory < 5 * 1024 * 1024, String(rib.memory));
  one.down();
  assert.equal(rib.store.size, 0);
});

test('routes whose next hop cannot be reached are not chosen, and nearer ones are (RFC 4271 §9.1.2)', () => {
  const costs = new Map<string, number>();
  const rib = newRib({ costOf: (hop) => costs.get(hop.join('.')) ?? 10 });
  const one = new Peer(rib, { as: LOCAL_AS }).up();
  const two = new Peer(rib, { as: LOCAL_AS, address: addressBytes('198.51.100.9') }).up();
  const look = seen(rib);
  one.announce(ROUTE, PREFIX);
  two.announce({ ...ROUTE, nextHop: '198.51.100.2' }, PREFIX);
  assert.equal(look()?.nextHop, '198.51.100.1');
  costs.set('198.51.100.2', 5);
  assert.equal(look()?.nextHop, '198.51.100.1');
  rib.nextHopsChanged();
  assert.equal(look()?.nextHop, '198.51.100.2');
  costs.set('198.51.100.2', UNREACHABLE);
  rib.nextHopsChanged();
  assert.equal(look()?.nextHop, '198.51.100.1');
  costs.set('198.51.100.1', UNREACHABLE);
  rib.nextHopsChanged();
  assert.equal(look(), undefined);
});

test('when the best route comes from another neighbour, each is told what the other has told', () => {
  const rib = newRib();
  const client = (last: number) =>
    new Peer(rib, { as: LOCAL_AS, isReflectorClient: true, address: addressBytes(`198.51.100.${last}`) }).up();
  const one = client(1);
  const two = client(2);
  const three = client(3);
  const route = { ...ROUTE, originator: 9 };
  two.announce(route, PREFIX);
  assert.ok(one.read().told.has(PREFIX) && !two.read().told.has(PREFIX) && three.read().told.has(PREFIX));
  three.updates = 0;
  one.announce(route, PREFIX);
  assert.ok(!one.read().told.has(PREFIX) && two.read().told.has(PREFIX) && three.read().told.has(PREFIX));
  assert.equal(three.updates, 0, 'who hears the same is not told again');
});

test('an external neighbour that is no neighbour any more leaves nothing', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  one.announce(ROUTE, PREFIX);
  rib.removeNeighbour(one.index);
  assert.equal(rib.store.size, 0);
  assert.throws(() => rib.hasOutput(one.index), RangeError);
});

test('routes of a family that an error has disabled go, and those of others stay (RFC 7606 §2)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const look = seen(rib);
  one.announce(ROUTE, PREFIX);
  one.announce({ ...ROUTE, nextHop: '2001:db8::7' }, '2001:db8:1::/48');
  assert.ok(look() !== undefined && look('2001:db8:1::/48') !== undefined);
  // MP_UNREACH_NLRI whose prefix has 129 bits.
  one.takeBody(Uint8Array.of(0, 0, 0, 7, 0x80, 15, 4, 0, 2, 1, 129));
  assert.ok(look() !== undefined);
  assert.equal(look('2001:db8:1::/48'), undefined);
});
