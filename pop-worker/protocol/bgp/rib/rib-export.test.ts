/** How routes go out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Family } from '../wire/families.ts';
import { MAX_EXTENDED_MESSAGE_BYTES } from '../wire/header.ts';
import { withoutMed } from './edits.ts';
import { ACCEPT_ALL, REJECT_ALL } from './route-policy.ts';
import { LOCAL, LOCAL_AS, newRib, Peer } from './testing/peers.ts';
import { type Attributes, encode, words } from './testing/route.ts';

const ROUTE: Attributes = { origin: 0, path: [64_500, 7], nextHop: '198.51.100.1' };
const V4 = Family.ipv4Unicast;

const many = (count: number, base = 10): string[] =>
  Array.from({ length: count }, (_, i) => `${base}.${i >>> 8}.${i & 0xff}.0/24`);

test('prefixes of equal attributes go in UPDATEs that are full, however they came', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up().read();
  two.updates = 0;
  for (const prefix of many(1000)) {
    one.announce(ROUTE, prefix);
    one.announce({ ...ROUTE, path: [64_500, 8] }, prefix.replace('10.', '11.'));
  }
  two.read();
  assert.equal(two.told.size, 2000);
  assert.equal(two.updates, 2, '4,000 bytes of prefixes fit a message');
  for (const prefix of many(1000)) one.withdraw(prefix);
  two.read();
  assert.equal(two.updates, 3);
  assert.equal(two.told.size, 1000);
});

test('what has changed again before it was told is told once, and what has come and gone not at all', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up().read();
  two.updates = 0;
  one.announce(ROUTE, '203.0.113.0/24');
  one.announce({ ...ROUTE, path: [64_500, 8] }, '203.0.113.0/24');
  one.announce(ROUTE, '198.18.0.0/15');
  one.withdraw('198.18.0.0/15');
  assert.ok(rib.hasOutput(two.index));
  two.read();
  assert.deepEqual([...two.told.keys()], ['203.0.113.0/24']);
  assert.deepEqual(two.told.get('203.0.113.0/24')?.path, [LOCAL_AS, 64_500, 8]);
  assert.equal(two.updates, 1);
  assert.ok(!rib.hasOutput(two.index));
  one.announce({ ...ROUTE, path: [64_500, 8] }, '203.0.113.0/24');
  assert.ok(!rib.hasOutput(two.index), 'the same again is nothing new');
});

test('withdrawals go before what is announced', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  one.announce(ROUTE, '203.0.113.0/24');
  two.read();
  one.announce(ROUTE, '198.18.0.0/15');
  one.withdraw('203.0.113.0/24');
  const buffer = new Uint8Array(4096);
  const bytes = rib.nextUpdate(two.index, buffer, 0);
  assert.deepEqual([...buffer.subarray(19, bytes)], [0, 4, 24, 203, 0, 113, 0, 0]);
});

test('routes that differ in how they go out are not told together', () => {
  const rib = newRib();
  const client = new Peer(rib, { as: LOCAL_AS, isReflectorClient: true }).up();
  const outside = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: LOCAL_AS }).up();
  const same = { ...ROUTE, originator: 9, localPref: 100 };
  client.announce(same, '10.1.0.0/16');
  // The same set from an external neighbour: it goes in by hand, as no external neighbour may send it.
  const bytes = encode(same);
  const { address, length } = words('10.2.0.0/16');
  rib.originate(V4, address, length, bytes, Uint8Array.of(198, 51, 100, 1));
  outside.read();
  two.read();
  assert.deepEqual(two.told.get('10.1.0.0/16')?.clusters, [1], 'reflected');
  assert.equal(two.told.get('10.2.0.0/16')?.clusters, undefined, 'our own');
  assert.equal(two.told.get('10.2.0.0/16')?.nextHop, '198.51.100.1');
});

test('MULTI_EXIT_DISC of another AS goes no further, ours does (RFC 4271 §5.1.4)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  const inside = new Peer(rib, { as: LOCAL_AS }).up();
  one.announce({ ...ROUTE, med: 5 }, '10.1.0.0/16');
  const { address, length } = words('10.2.0.0/16');
  rib.originate(V4, address, length, encode({ origin: 0, path: [], nextHop: '', med: 6 }), new Uint8Array(0));
  two.read();
  inside.read();
  assert.deepEqual([...two.told].map(([prefix, { med }]) => [prefix, med]).sort(), [
    ['10.1.0.0/16', undefined],
    ['10.2.0.0/16', 6],
  ]);
  assert.equal(inside.told.get('10.1.0.0/16')?.med, 5);
  assert.equal(inside.told.get('10.2.0.0/16')?.nextHop, '192.0.2.1', 'who has no next hop has us');
});

test('an AS number is put before a path that begins with a set, or with as many as fit a segment', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 });
  one.session = { ...one.session, rules: { ...one.session.rules, firstAs: 0, takesAsSets: true } };
  one.up();
  const two = new Peer(rib, { as: 64_501 });
  two.session = { ...two.session, rules: { ...two.session.rules, takesAsSets: true } };
  two.up().read();
  const origin = [0x40, 1, 1, 0];
  const full = [2, 255, ...Array.from({ length: 255 }, () => [0, 0, 0, 7]).flat()];
  const set = [1, 1, 0, 0, 0, 7];
  one.announceBytes(Uint8Array.from([...origin, 0x40, 2, 6, ...set]), ROUTE.nextHop, '10.1.0.0/16');
  one.announceBytes(Uint8Array.from([...origin, 0x50, 2, 3, 254, ...full]), ROUTE.nextHop, '10.2.0.0/16');
  const buffer = new Uint8Array(4096);
  const next = (): number[] => [...buffer.subarray(23, rib.nextUpdate(two.index, buffer, 0))];
  const head = [...origin];
  const us = [2, 1, 0, 0, 0xfc, 0];
  const hop = [0x40, 3, 4, 192, 0, 2, 1];
  assert.deepEqual(next(), [...head, 0x40, 2, 12, ...us, ...set, ...hop, 16, 10, 1]);
  assert.deepEqual(next(), [...head, 0x50, 2, 4, 4, ...us, ...full, ...hop, 16, 10, 2]);
});

test('extended communities that are not transitive stay in the AS (RFC 4360 §6)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up().read();
  const inside = new Peer(rib, { as: LOCAL_AS }).up().read();
  const head = encode({ origin: 0, path: [64_500], nextHop: '' });
  const bandwidth = [0x40, 4, 0, 0, 0, 0, 0, 1];
  const target = [0, 2, 0xfb, 0xf4, 0, 0, 0, 7];
  const bytes = (...values: number[][]) => Uint8Array.from([...head, 0xc0, 16, 8 * values.length, ...values.flat()]);
  one.announceBytes(bytes(bandwidth, target, bandwidth), ROUTE.nextHop, '10.1.0.0/16');
  one.announceBytes(bytes(bandwidth), ROUTE.nextHop, '10.2.0.0/16');
  const buffer = new Uint8Array(4096);
  const rest = (peer: Peer, from: number): number[] => [
    ...buffer.subarray(from, rib.nextUpdate(peer.index, buffer, 0)),
  ];
  assert.deepEqual(rest(two, 23 + 4 + 13 + 7), [0xc0, 16, 8, ...target, 16, 10, 1]);
  assert.deepEqual(rest(two, 23 + 4 + 13 + 7), [16, 10, 2], 'none is left');
  const internal = rest(inside, 23 + 4 + 9 + 7 + 7);
  assert.deepEqual(internal, [0xc0, 16, 24, ...bandwidth, ...target, ...bandwidth, 16, 10, 1]);
});

test('attributes that do not fit a message of a neighbour are not told it, and withdrawn if it had others (RFC 4271 §9.2)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  const large = new Peer(rib, { as: 64_502 }, { largestSent: MAX_EXTENDED_MESSAGE_BYTES }).up();
  one.announce(ROUTE, '10.1.0.0/16', '10.2.0.0/16');
  two.read();
  one.announce({ ...ROUTE, unknown: 4400 }, '10.1.0.0/16', '10.3.0.0/16');
  assert.deepEqual([...two.read().told.keys()], ['10.2.0.0/16']);
  assert.equal(large.read().told.get('10.1.0.0/16')?.unknown, 4400);
  one.announce(ROUTE, '10.3.0.0/16');
  assert.deepEqual([...two.read().told.keys()], ['10.2.0.0/16', '10.3.0.0/16']);
  one.down();
  assert.equal(two.read().told.size, 0);
  assert.equal(rib.families[0]?.destinations.size, 3, 'who has not been told keeps them');
  large.read();
  assert.equal(rib.families[0]?.destinations.size, 0);
});

test('a refresh tells all again, between marks for those that know them, and only behind End-of-RIB (RFC 2918, RFC 7313)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  one.announce(ROUTE, ...many(3));
  const two = new Peer(rib, { as: 64_501 }, { enhancedRouteRefresh: true }).up();
  rib.refresh(two.index, V4);
  two.read();
  const marks = (peer: Peer, family: number): string[] => peer.marks.filter((mark) => mark.includes(` ${family}`));
  assert.deepEqual(marks(two, V4), ['end 257', 'refresh 257 1', 'refresh 257 2']);
  assert.deepEqual(marks(two, Family.ipv6Unicast), ['end 513']);
  two.marks.length = 0;
  assert.equal(two.told.size, 3);
  two.told.clear();
  two.updates = 0;
  one.withdraw('10.0.1.0/24');
  two.told.set('10.0.1.0/24', ROUTE);
  rib.refresh(two.index, V4);
  two.read();
  assert.deepEqual(two.marks, ['refresh 257 1', 'refresh 257 2']);
  assert.equal(two.told.size, 2);
  const old = new Peer(rib, { as: 64_502 }).up().read();
  old.told.clear();
  rib.refresh(old.index, V4);
  assert.equal(old.read().told.size, 2);
  assert.deepEqual(old.marks.sort(), ['end 257', 'end 513']);
  rib.refresh(new Peer(rib, { as: 64_503 }).index, V4);
});

test('a neighbour whose policy has changed is told of what that changes, and of nothing else', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  one.announce({ ...ROUTE, med: 3 }, ...many(3));
  two.read().updates = 0;
  two.change({ exportPolicy: { ...ACCEPT_ALL } });
  assert.ok(!rib.hasOutput(two.index), 'another that says the same');
  two.change({ exportPolicy: REJECT_ALL });
  assert.equal(two.read().told.size, 0);
  two.change({ exportPolicy: ACCEPT_ALL });
  assert.equal(two.read().told.size, 3);
  one.change({ importPolicy: REJECT_ALL });
  assert.equal(two.read().told.size, 0);
  one.change({
    importPolicy: { setsMed: true, apply: (_source, _family, _destination, set) => withoutMed(rib.store, set) },
  });
  assert.equal(two.read().told.size, 3);
  assert.throws(() => one.change({ as: 64_509 }), RangeError);
});

test('who takes all paths is told each by a number of its own, which no other has before it is withdrawn (RFC 7911 §3)', () => {
  const rib = newRib();
  const peers = [64_500, 64_501, 64_502].map((as) => new Peer(rib, { as }).up());
  const rules = { asBytes: 4, pathIdFamilies: [V4] } as const;
  const all = new Peer(rib, { as: 64_503 }, { writeRules: rules }).up();
  const prefixes = many(300);
  for (const peer of peers) peer.announce({ ...ROUTE, path: [peer.settings.as, 7] }, ...prefixes);
  all.read();
  assert.equal(all.told.size, 900);
  const ids = [...all.told.keys()].map((key) => key.split(' ')[1]);
  assert.equal(new Set(ids).size, 900);
  peers[0]?.withdraw(...prefixes);
  peers[1]?.announce({ ...ROUTE, path: [64_501, 8] }, ...many(100, 11));
  const late = new Peer(rib, { as: 64_504 }, { writeRules: rules }).up().read();
  assert.equal(late.told.size, 700);
  all.read();
  assert.equal(all.told.size, 700);
  for (const peer of peers) peer.down();
  assert.equal(all.read().told.size + late.read().told.size, 0);
  assert.equal(rib.store.size, 0);
  assert.equal(rib.families[0]?.destinations.size, 0);
});

test('next hops of IPv6 go to who takes them for IPv4, and to no other (RFC 8950 §4)', () => {
  const rib = newRib();
  const served = { isServed: true };
  const one = new Peer(rib, { as: 64_500 });
  one.session = { ...one.session, rules: { ...one.session.rules, ipv6NextHopFamilies: [V4] } };
  one.up();
  const plain = new Peer(rib, { as: 64_501, ...served }).up();
  const both = new Peer(rib, { as: 64_502, ...served });
  both.session = { ...both.session, rules: { ...both.session.rules, ipv6NextHopFamilies: [V4] } };
  both.up();
  const rewritten = new Peer(rib, { as: 64_503 }).up();
  one.announceBytes(encode(ROUTE), '2001:db8::7', '10.1.0.0/16');
  assert.equal(plain.read().told.size, 0);
  assert.equal(both.read().told.get('10.1.0.0/16')?.nextHop, '2001:db8::7');
  assert.equal(rewritten.read().told.get('10.1.0.0/16')?.nextHop, '192.0.2.1');
});

test('a link-local next hop does not leave its link for an internal neighbour (RFC 2545 §3)', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const inside = new Peer(rib, { as: LOCAL_AS }).up();
  const homeless = new Peer(rib, { as: LOCAL_AS });
  rib.up(homeless.index, homeless.session, { ipv4: LOCAL.ipv4 });
  const served = new Peer(rib, { as: 64_501, isServed: true }).up();
  one.announce({ ...ROUTE, nextHop: '2001:db8::7 fe80::7' }, '2001:db8:1::/48');
  one.announce({ ...ROUTE, nextHop: 'fe80::7' }, '2001:db8:2::/48');
  const hops = ({ told }: Peer) => ['2001:db8:1::/48', '2001:db8:2::/48'].map((key) => told.get(key)?.nextHop);
  assert.deepEqual(hops(inside.read()), ['2001:db8::7', '2001:db8::1']);
  assert.deepEqual(hops(homeless.read()), ['2001:db8::7', undefined]);
  assert.deepEqual(hops(served.read()), ['2001:db8::7 fe80::7', 'fe80::7'], 'a route server is on the link');
});

test('who has no address of ours is not told of routes that would go through us', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 });
  rib.up(two.index, two.session, {});
  const six = new Peer(rib, { as: 64_502 });
  six.session = { ...six.session, rules: { ...six.session.rules, ipv6NextHopFamilies: [V4] } };
  rib.up(six.index, six.session, { ipv6: Uint8Array.from([0x20, 1, ...Array<number>(14).fill(1)]) });
  one.announce(ROUTE, '10.1.0.0/16');
  one.announce({ ...ROUTE, nextHop: '2001:db8::7' }, '2001:db8:1::/48');
  assert.equal(two.read().told.size, 0);
  assert.equal(six.read().told.get('10.1.0.0/16')?.nextHop, '2001:101:101:101:101:101:101:101');
  assert.equal(six.told.size, 2);
});

test('no family waits for all of another, and withdrawals for none', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  const six = { ...ROUTE, nextHop: '2001:db8::7' };
  one.announce(six, '2001:db8:1::/48');
  two.read();
  for (const prefix of many(2000)) one.announce({ ...ROUTE, path: [64_500, Number(prefix.split('.')[2]) + 1] }, prefix);
  one.announce(six, '2001:db8:2::/48');
  const buffer = new Uint8Array(4096);
  const family = (): number => {
    rib.nextUpdate(two.index, buffer, 0);
    const isOther = buffer[23] === 0x90 || buffer[23] === 0x80;
    return isOther ? Family.ipv6Unicast : V4;
  };
  assert.ok([family(), family()].includes(Family.ipv6Unicast));
  one.withdraw('2001:db8:1::/48');
  assert.equal(family(), Family.ipv6Unicast);
  assert.equal(family(), V4);
});

test('the index of a neighbour that was removed is the next one’s', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  one.announce(ROUTE, '10.1.0.0/16');
  rib.removeNeighbour(one.index);
  const three = new Peer(rib, { as: 64_502 }).up();
  assert.equal(three.index, one.index);
  three.announce({ ...ROUTE, path: [64_502] }, '10.2.0.0/16');
  assert.deepEqual([...two.read().told.keys()], ['10.2.0.0/16']);
});
