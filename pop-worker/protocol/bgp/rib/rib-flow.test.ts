/** Flow specifications, and who may ask for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Community } from '../wire/communities.ts';
import { Family } from '../wire/families.ts';
import { encodeFlowSpec } from '../wire/flowspec/codec.ts';
import type { FlowComponent } from '../wire/flowspec/component.ts';
import { FAMILIES, LOCAL_AS, newRib, Peer, type PeerSettings } from './testing/peers.ts';
import { type Attributes, addressBytes, encode } from './testing/route.ts';

const FLOW = Family.ipv4Flow;
const ROUTE: Attributes = { origin: 0, path: [64_500, 7], nextHop: '198.51.100.1' };
const RULE: Attributes = { origin: 0, path: [64_500, 7], nextHop: '' };

const field: FlowComponent = { kind: 'field', type: 3, terms: [{ isAnd: false, operator: 1, value: 6 }] };
const destination = (text: string, offset = 0): FlowComponent => {
  const [address, length] = text.split('/');
  return { kind: 'prefix', type: 1, offset, length: Number(length), address: addressBytes(address!) };
};
const to = (text: string): Uint8Array => encodeFlowSpec([destination(text), field], text.includes(':') ? 128 : 32);

const newPeer = (rib: ReturnType<typeof newRib>, settings: PeerSettings): Peer =>
  new Peer(rib, settings, { families: FAMILIES });

const world = () => {
  const rib = newRib();
  const one = newPeer(rib, { as: 64_500, address: addressBytes('198.51.100.1') }).up();
  const two = newPeer(rib, { as: 64_501, address: addressBytes('198.51.100.2') }).up();
  const inside = newPeer(rib, { as: LOCAL_AS, address: addressBytes('198.51.100.3') }).up();
  const out = newPeer(rib, { as: 64_509 }).up();
  const rules = (): string[] => {
    rib.validateFlows();
    assert.ok(!rib.owesValidation);
    return [...out.read().told.keys()].filter((key) => key.includes('protocol')).sort();
  };
  const end = (): void => {
    for (const peer of [one, two, inside]) peer.down();
    assert.deepEqual(rules(), []);
    assert.equal(rib.store.size, 0);
    assert.ok(rib.families.every(({ destinations }) => destinations.size === 0));
  };
  return { rib, one, two, inside, out, rules, end };
};

const RULE_24 = 'destination 203.0.113.0/24, protocol =6';

test('a flow specification is used while its neighbour leads to what it is about (RFC 8955 §6)', () => {
  const { one, two, out, rules, end } = world();
  one.announceFlow(FLOW, RULE, to('203.0.113.0/24'));
  assert.deepEqual(rules(), [], 'nobody leads there');
  two.announce({ ...ROUTE, path: [64_501, 7] }, '203.0.113.0/24');
  assert.deepEqual(rules(), [], 'another does');
  one.announce(ROUTE, '203.0.113.0/25');
  assert.deepEqual(rules(), [], 'to a part of it');
  two.withdraw('203.0.113.0/24');
  one.announce(ROUTE, '203.0.0.0/16');
  assert.deepEqual(rules(), [RULE_24]);
  assert.deepEqual(out.told.get(RULE_24), { ...RULE, path: [LOCAL_AS, 64_500, 7] });
  two.announce({ ...ROUTE, path: [64_501, 7] }, '203.0.113.128/25');
  assert.deepEqual(rules(), [], 'another leads to a part of it');
  two.withdraw('203.0.113.128/25');
  assert.deepEqual(rules(), [RULE_24]);
  two.announce({ ...ROUTE, path: [64_501, 7] }, '203.0.112.0/24', '198.51.100.0/24');
  assert.deepEqual(rules(), [RULE_24], 'that has nothing to do with it');
  one.withdrawFlow(FLOW, to('203.0.113.0/24'));
  assert.deepEqual(rules(), []);
  end();
});

test('what does not change a flow specification does not have all of them looked at again', () => {
  const { rib, one, two, rules } = world();
  one.announce(ROUTE, '203.0.0.0/16');
  assert.ok(!rib.owesValidation);
  one.announceFlow(FLOW, RULE, to('203.0.113.0/24'));
  assert.ok(rib.owesValidation);
  assert.deepEqual(rules(), [RULE_24]);
  two.announce({ ...ROUTE, path: [64_501, 7] }, '198.18.0.0/15', '203.0.112.0/24');
  one.announceFlow(FLOW, RULE, to('203.0.113.0/24'));
  assert.ok(!rib.owesValidation);
  two.announce({ ...ROUTE, path: [64_501, 7] }, '203.0.113.7/32');
  assert.ok(rib.owesValidation);
  assert.deepEqual(rules(), []);
  two.withdraw('203.0.113.7/32');
  assert.deepEqual(rules(), [RULE_24]);
  two.announce({ ...ROUTE, path: [64_501] }, '203.0.0.0/16');
  assert.ok(rib.owesValidation);
  assert.deepEqual(rules(), []);
});

test('the leftmost AS of a flow specification is that of the route it is about (RFC 9117 §4.2)', () => {
  const rib = newRib();
  const server = newPeer(rib, { as: 64_500 });
  server.session = { ...server.session, rules: { ...server.session.rules, firstAs: 0 } };
  server.up();
  const out = newPeer(rib, { as: 64_509 }).up();
  server.announce({ ...ROUTE, path: [65_001, 7] }, '203.0.113.0/24');
  const count = (path: readonly number[]): number => {
    server.announceFlow(FLOW, { ...RULE, path }, to('203.0.113.0/24'));
    rib.validateFlows();
    return [...out.read().told.keys()].filter((key) => key.includes('protocol')).length;
  };
  assert.deepEqual([count([65_001]), count([65_002]), count([65_001, 9])], [1, 0, 1]);
});

test('who is inside our AS may ask for what it does not lead to, as far as it begins there (RFC 9117 §4.1)', () => {
  const { one, inside, rules, end } = world();
  inside.announceFlow(FLOW, { ...RULE, path: [] }, to('203.0.113.0/24'));
  assert.deepEqual(rules(), [RULE_24]);
  one.announce(ROUTE, '203.0.113.0/24');
  assert.deepEqual(rules(), [RULE_24]);
  inside.announceFlow(FLOW, { ...RULE, path: [64_500, 7] }, to('203.0.113.0/24'));
  assert.deepEqual(rules(), [], 'this does not begin there');
  inside.announce({ ...ROUTE, localPref: 200 }, '203.0.113.0/24');
  assert.deepEqual(rules(), [RULE_24], 'but it leads there now');
  inside.announceFlow(FLOW, { ...RULE, path: [64_500, 7], originator: 9 }, to('203.0.113.0/24'));
  assert.deepEqual(rules(), []);
  inside.announce({ ...ROUTE, localPref: 200, originator: 9 }, '203.0.113.0/24');
  assert.deepEqual(rules(), [RULE_24]);
  inside.announce({ ...ROUTE, localPref: 200, originator: 0xc633_6403 }, '203.0.113.0/24');
  inside.announceFlow(FLOW, { ...RULE, path: [64_500, 7] }, to('203.0.113.0/24'));
  assert.deepEqual(rules(), [RULE_24], 'the originator is the neighbour itself');
  end();
});

test('without a destination there is nobody to vouch, unless that is allowed or nobody is asked (RFC 8955 §6 a, RFC 8956 §5)', () => {
  const { rib, one, out, rules, end } = world();
  const anywhere = encodeFlowSpec([field], 32);
  one.announceFlow(FLOW, RULE, anywhere);
  one.announceFlow(Family.ipv6Flow, RULE, encodeFlowSpec([{ ...destination('2001:db8::/32', 8) }], 128));
  one.announce({ ...ROUTE, nextHop: '2001:db8::7' }, '2001:db8::/32');
  assert.deepEqual(rules(), []);
  const anyone = newPeer(rib, { as: 64_502, flowValidation: 'any-destination' }).up();
  anyone.announceFlow(FLOW, { ...RULE, path: [64_502] }, anywhere);
  anyone.announceFlow(FLOW, { ...RULE, path: [64_502] }, to('203.0.113.0/24'));
  assert.deepEqual(rules(), ['protocol =6']);
  const trusted = newPeer(rib, { as: 64_503, flowValidation: 'none' }).up();
  trusted.announceFlow(FLOW, { ...RULE, path: [64_503] }, to('203.0.113.0/24'));
  assert.deepEqual(rules(), [RULE_24, 'protocol =6']);
  anyone.down();
  trusted.down();
  assert.equal(out.read().told.size, 1, 'the route that was announced');
  end();
});

test('flow specifications of IPv6 hang on its routes', () => {
  const { one, rules, end } = world();
  one.announceFlow(Family.ipv6Flow, RULE, to('2001:db8:1::/48'));
  assert.deepEqual(rules(), []);
  one.announce({ ...ROUTE, nextHop: '2001:db8::7' }, '2001:db8::/32');
  assert.equal(rules().length, 1);
  end();
});

test('our own flow specifications are told, by the rules of communities too', () => {
  const { rib, rules } = world();
  const attributes = encode({ origin: 0, path: [], nextHop: '' });
  rib.originateFlow(FLOW, to('203.0.113.0/24'), attributes);
  assert.deepEqual(rules(), [RULE_24]);
  const inner = encode({ origin: 0, path: [], nextHop: '', communities: [Community.noExport] });
  rib.originateFlow(FLOW, to('203.0.113.0/24'), inner);
  assert.deepEqual(rules(), []);
  rib.originateFlow(FLOW, to('203.0.113.0/24'), attributes);
  assert.deepEqual(rules(), [RULE_24]);
  rib.withdrawOwnFlow(FLOW, to('198.18.0.0/15'));
  assert.deepEqual(rules(), [RULE_24]);
  rib.withdrawOwnFlow(FLOW, to('203.0.113.0/24'));
  assert.deepEqual(rules(), []);
});

test('flow specifications in force are in the order in which packets are held against them (RFC 8955 §5.1)', () => {
  const { rib, one } = world();
  const drop = [0x80, 6, 0, 0, 0, 0, 0, 0];
  const attributes = Uint8Array.of(...encode({ origin: 0, path: [], nextHop: '' }), 0xc0, 16, 8, ...drop);
  rib.originateFlow(FLOW, to('203.0.0.0/16'), encode({ origin: 0, path: [], nextHop: '' }));
  rib.originateFlow(FLOW, to('203.0.113.0/24'), attributes);
  one.announceFlow(FLOW, RULE, to('198.51.100.0/24'));
  one.announce(ROUTE, '198.51.100.0/24');
  assert.equal(rib.flowRules(FLOW).length, 2);
  rib.validateFlows();
  assert.deepEqual(
    rib.flowRules(FLOW).map(({ text, actions, source, spec }) => [text, actions, source, spec.length]),
    [
      ['destination 198.51.100.0/24, protocol =6', [], one.index, 2],
      [RULE_24, [{ kind: 'rate', unit: 'bytes', perSecond: 0 }], 0, 2],
      ['destination 203.0.0.0/16, protocol =6', [], 0, 2],
    ],
  );
  assert.deepEqual(rib.flowRules(Family.ipv6Flow), []);
});
