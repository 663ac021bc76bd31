import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Role } from '../wire/capabilities/definition.ts';
import { Family } from '../wire/families.ts';
import { OWN, REJECT_ALL } from './route-policy.ts';
import type { Telling } from './telling.ts';
import { newRib, Peer, type PeerSettings } from './testing/peers.ts';
import { type Attributes, encode, words } from './testing/route.ts';

const PREFIX = '203.0.113.0/24';
const FOREIGN: Attributes = { origin: 0, path: [64_500], nextHop: '198.51.100.1' };
const INSIDE: Attributes = { ...FOREIGN, path: [], localPref: 300, med: 7 };
const EXTERNAL = { as: 64_501, setsNextHop: true };

/** What a neighbour is told of a route from another, or of our own. @param from an AS, or `OWN` */
const tellingOf = (
  to: PeerSettings,
  route: Partial<Attributes>,
  { session = {}, from = 64_500, local = {} } = {},
): Telling => {
  const rib = newRib();
  const { family, address, length } = words(PREFIX);
  const source = from === OWN ? undefined : new Peer(rib, { as: from }).up();
  const attributes = { ...(from === 64_500 ? FOREIGN : INSIDE), ...route };
  if (source === undefined) rib.originate(family, address, length, encode(attributes), new Uint8Array(0));
  else source.announce(attributes, PREFIX);
  const peer = new Peer(rib, to, session);
  if (Object.keys(local).length === 0) peer.up();
  else rib.up(peer.index, peer.session, local);
  const [path] = rib.pathsTo(family, address, length);
  assert.ok(path?.isBest);
  const held = rib.store.size;
  const telling = rib.telling(peer.index, family, 0, path.accepted, source?.index ?? OWN);
  assert.equal(rib.store.size, held, 'nothing stays of it');
  return telling;
};

const withheld = (...all: Parameters<typeof tellingOf>): string | undefined => tellingOf(...all).withheld;

test('what goes out, with our next hop, our AS and without what is for the inside (RFC 4271 §5.1.4, §5.1.5)', () => {
  assert.deepEqual(tellingOf(EXTERNAL, {}, { from: 64_512 }).told, [
    ['NEXT_HOP', '192.0.2.1'],
    ['ORIGIN', 'igp'],
    ['AS_PATH', '64512'],
  ]);
  assert.deepEqual(tellingOf({ as: 64_512 }, { localPref: 300 }, { from: OWN }).told, [
    ['NEXT_HOP', '192.0.2.1'],
    ['ORIGIN', 'igp'],
    ['AS_PATH', ''],
    ['MULTI_EXIT_DISC', '7'],
    ['LOCAL_PREF', '300'],
  ]);
});

test('why a route is not told, whatever policy says', () => {
  const community = (value: number) => ({ communities: [value] });
  assert.match(withheld(EXTERNAL, community(0xffffff01), { from: OWN }) ?? '', /NO_EXPORT .*RFC 1997/);
  assert.match(withheld(EXTERNAL, community(0xffffff02)) ?? '', /NO_ADVERTISE/);
  assert.match(withheld(EXTERNAL, community(0xffff029a)) ?? '', /BLACKHOLE/);
  assert.match(withheld({ as: 64_512 }, {}, { from: 64_512 }) ?? '', /neither .* is a client/);
  const toProvider = { session: { localRole: Role.customer } };
  assert.match(withheld(EXTERNAL, { otc: 64_500 }, toProvider) ?? '', /for customers only/);
  const overIpv6 = { local: { ipv6: new Uint8Array(16).fill(1) } };
  assert.match(withheld(EXTERNAL, {}, overIpv6) ?? '', /no next hop/);
  assert.match(withheld(EXTERNAL, {}, { session: { families: [Family.ipv6Unicast] } }) ?? '', /not agreed on ipv4/);
  assert.match(withheld({ ...EXTERNAL, exportPolicy: REJECT_ALL }, {}) ?? '', /policy rejects/);
});

test('a neighbour that lacks routes for want of a next hop is known, with the family', () => {
  const rib = newRib();
  const source = new Peer(rib, { as: 64_500 }).up();
  const peer = new Peer(rib, EXTERNAL);
  rib.up(peer.index, peer.session, { ipv6: new Uint8Array(16).fill(1) });
  assert.deepEqual(rib.missingNextHops(peer.index), [], 'there is none to be told');
  source.announce(FOREIGN, PREFIX);
  assert.deepEqual(rib.missingNextHops(peer.index), [Family.ipv4Unicast]);
  peer.down();
  assert.deepEqual(rib.missingNextHops(peer.index), []);
  assert.deepEqual(rib.missingNextHops(77), []);
  const { family, address, length } = words(PREFIX);
  const [path] = rib.pathsTo(family, address, length);
  const none = rib.telling(peer.index, family, 0, path?.accepted ?? 0, source.index);
  assert.match(none.withheld ?? '', /no session/);
});
