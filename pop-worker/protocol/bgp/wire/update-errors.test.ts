import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, UpdateSubcode } from '../errors.ts';
import { AttributeCode } from './attributes/codes.ts';
import { Outcome } from './attributes/definition.ts';
import { Family } from './families.ts';
import { hex } from './testing/hex.ts';
import { remoteFault } from './testing/record.ts';
import { EXTERNAL, INTERNAL, OLD, read, update } from './testing/update.ts';
import type { UpdateRules } from './update-rules.ts';

const ORIGIN = '400101 00';
const AS_PATH = '400206 0201 0000fbf4';
const NEXT_HOP = '400304 c0000201';
const MANDATORY = `${ORIGIN} ${AS_PATH} ${NEXT_HOP}`;
const NLRI = '18 cb0071';
const REACH6 = '800e1c 000201 10 20010db8000000000000000000000001 00 30 20010db80001';
const UNREACH6 = '800f0a 000201 30 20010db80001';

/** Attributes, what they cost and which one is to blame; of an external neighbour where nothing else is said. */
type Row = readonly [name: string, attributes: string, outcome: Outcome, code: number, rules?: UpdateRules];

const { ok, discardAttribute, treatAsWithdraw } = Outcome;
const C = AttributeCode;
const SETS: UpdateRules = { ...EXTERNAL, takesAsSets: true };

const ROWS: readonly Row[] = [
  ['mandatory ones', MANDATORY, ok, 0],
  ['out of order', `${NEXT_HOP} ${AS_PATH} ${ORIGIN}`, ok, 0],
  ['extended lengths', `50010001 00 50020006 02010000fbf4 50030004 c0000201`, ok, 0],
  ['unused bits of flags', `4f0101 00 ${AS_PATH} ${NEXT_HOP}`, ok, 0],
  // RFC 7606 §7.1
  ['ORIGIN of two bytes', `400102 0000 ${AS_PATH} ${NEXT_HOP}`, treatAsWithdraw, C.origin],
  ['ORIGIN empty', `400100 ${AS_PATH} ${NEXT_HOP}`, treatAsWithdraw, C.origin],
  ['ORIGIN 2', `400101 02 ${AS_PATH} ${NEXT_HOP}`, ok, 0],
  ['ORIGIN 3', `400101 03 ${AS_PATH} ${NEXT_HOP}`, treatAsWithdraw, C.origin],
  ['ORIGIN optional', `c00101 00 ${AS_PATH} ${NEXT_HOP}`, treatAsWithdraw, C.origin],
  ['ORIGIN non-transitive', `000101 00 ${AS_PATH} ${NEXT_HOP}`, treatAsWithdraw, C.origin],
  ['ORIGIN missing', `${AS_PATH} ${NEXT_HOP}`, treatAsWithdraw, C.origin],
  // RFC 7606 §7.2
  ['AS_PATH empty, external', `${ORIGIN} 400200 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_PATH empty, nobody asks', `${ORIGIN} 400200 ${NEXT_HOP}`, ok, 0, { ...EXTERNAL, firstAs: 0 }],
  ['AS_PATH overrun', `${ORIGIN} 400206 0202 0000fbf4 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_PATH underrun', `${ORIGIN} 400207 0201 0000fbf4 02 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_PATH segment of none', `${ORIGIN} 400208 0201 0000fbf4 0200 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_PATH type 0', `${ORIGIN} 40020c 0201 0000fbf4 0001 0000fbf4 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_PATH type 5', `${ORIGIN} 40020c 0201 0000fbf4 0501 0000fbf4 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_CONFED_SEQUENCE', `${ORIGIN} 40020c 0201 0000fbf4 0301 0000fbf4 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_CONFED_SET', `${ORIGIN} 40020c 0201 0000fbf4 0401 0000fbf4 ${NEXT_HOP}`, treatAsWithdraw, C.asPath, SETS],
  ['AS_SET (RFC 9774)', `${ORIGIN} 40020c 0201 0000fbf4 0101 0000fbf5 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_SET, allowed', `${ORIGIN} 40020c 0201 0000fbf4 0101 0000fbf5 ${NEXT_HOP}`, ok, 0, SETS],
  ['AS_SET first, allowed', `${ORIGIN} 400206 0101 0000fbf4 ${NEXT_HOP}`, treatAsWithdraw, C.asPath, SETS],
  ['AS 0 (RFC 7607)', `${ORIGIN} 40020a 0202 0000fbf4 00000000 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS 0 in two bytes', `${ORIGIN} 400206 0202 fbf4 0000 ${NEXT_HOP}`, treatAsWithdraw, C.asPath, OLD],
  ['another first AS', `${ORIGIN} 400206 0201 0000fbf5 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_TRANS first', `${ORIGIN} 400204 0201 5ba0 ${NEXT_HOP}`, ok, 0, { ...OLD, firstAs: 4_200_000_001 }],
  ['AS_PATH optional', `${ORIGIN} c00206 0201 0000fbf4 ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  ['AS_PATH missing', `${ORIGIN} ${NEXT_HOP}`, treatAsWithdraw, C.asPath],
  // RFC 7606 §7.3, RFC 4271 §6.3
  ['NEXT_HOP of 16 bytes', `${ORIGIN} ${AS_PATH} 400310 20010db8000000000000000000000001`, treatAsWithdraw, C.nextHop],
  ['NEXT_HOP 0.0.0.0', `${ORIGIN} ${AS_PATH} 400304 00000000`, treatAsWithdraw, C.nextHop],
  ['NEXT_HOP of multicast', `${ORIGIN} ${AS_PATH} 400304 e0000001`, treatAsWithdraw, C.nextHop],
  ['NEXT_HOP 223.255.255.255', `${ORIGIN} ${AS_PATH} 400304 dfffffff`, ok, 0],
  ['NEXT_HOP missing', `${ORIGIN} ${AS_PATH}`, treatAsWithdraw, C.nextHop],
  ['NEXT_HOP optional', `${ORIGIN} ${AS_PATH} c00304 c0000201`, treatAsWithdraw, C.nextHop],
  // RFC 7606 §7.4 to §7.10
  ['MED', `${MANDATORY} 800404 00000032`, ok, 0],
  ['MED of three bytes', `${MANDATORY} 800403 000032`, treatAsWithdraw, C.multiExitDisc],
  ['MED transitive', `${MANDATORY} c00404 00000032`, treatAsWithdraw, C.multiExitDisc],
  ['LOCAL_PREF, external', `${MANDATORY} 400504 00000064`, discardAttribute, C.localPref],
  ['LOCAL_PREF broken, external', `${MANDATORY} c00501 00`, discardAttribute, C.localPref],
  ['LOCAL_PREF', `${MANDATORY} 400504 00000064`, ok, 0, INTERNAL],
  ['LOCAL_PREF of five bytes', `${MANDATORY} 400505 0000006400`, treatAsWithdraw, C.localPref, INTERNAL],
  ['LOCAL_PREF missing', MANDATORY, treatAsWithdraw, C.localPref, INTERNAL],
  ['ATOMIC_AGGREGATE', `${MANDATORY} 400600`, ok, 0],
  ['ATOMIC_AGGREGATE of a byte', `${MANDATORY} 400601 00`, discardAttribute, C.atomicAggregate],
  ['ATOMIC_AGGREGATE optional', `${MANDATORY} c00600`, discardAttribute, C.atomicAggregate],
  ['AGGREGATOR', `${MANDATORY} c00708 0000fbf4 0a000001`, ok, 0],
  ['AGGREGATOR of six bytes', `${MANDATORY} c00706 fbf4 0a000001`, discardAttribute, C.aggregator],
  ['AGGREGATOR well-known', `${MANDATORY} 400708 0000fbf4 0a000001`, discardAttribute, C.aggregator],
  ['AGGREGATOR of AS 0', `${MANDATORY} c00708 00000000 0a000001`, discardAttribute, C.aggregator],
  ['COMMUNITIES', `${MANDATORY} c00808 fbf40064 ffffff01`, ok, 0],
  ['COMMUNITIES, partial', `${MANDATORY} e00804 fbf40064`, ok, 0],
  ['COMMUNITIES empty', `${MANDATORY} c00800`, treatAsWithdraw, C.communities],
  ['COMMUNITIES of six bytes', `${MANDATORY} c00806 fbf40064 ffff`, treatAsWithdraw, C.communities],
  ['COMMUNITIES well-known', `${MANDATORY} 400804 fbf40064`, treatAsWithdraw, C.communities],
  ['ORIGINATOR_ID, external', `${MANDATORY} 800904 0a000001`, discardAttribute, C.originatorId],
  ['ORIGINATOR_ID', `${MANDATORY} 400504 00000064 800904 0a000001`, ok, 0, INTERNAL],
  ['ORIGINATOR_ID of 3', `${MANDATORY} 400504 00000064 800903 0a0000`, treatAsWithdraw, C.originatorId, INTERNAL],
  ['CLUSTER_LIST, external', `${MANDATORY} 800a03 0a0000`, discardAttribute, C.clusterList],
  ['CLUSTER_LIST', `${MANDATORY} 400504 00000064 800a08 0a000001 0a000002`, ok, 0, INTERNAL],
  ['CLUSTER_LIST empty', `${MANDATORY} 400504 00000064 800a00`, treatAsWithdraw, C.clusterList, INTERNAL],
  ['CLUSTER_LIST of 6', `${MANDATORY} 400504 00000064 800a06 0a0000010a00`, treatAsWithdraw, C.clusterList, INTERNAL],
  // RFC 7606 §7.14, §7.15, RFC 8092 §6, RFC 9234 §5
  ['EXTENDED_COMMUNITIES', `${MANDATORY} c01008 0002fbf400000007`, ok, 0],
  ['EXTENDED_COMMUNITIES of 7', `${MANDATORY} c01007 0002fbf4000000`, treatAsWithdraw, C.extendedCommunities],
  ['EXTENDED_COMMUNITIES empty', `${MANDATORY} c01000`, treatAsWithdraw, C.extendedCommunities],
  ['IPv6 ones', `${MANDATORY} c01914 000220010db8${'00'.repeat(14)}`, ok, 0],
  ['IPv6 ones of 19', `${MANDATORY} c01913 000220010db8${'00'.repeat(13)}`, treatAsWithdraw, C.ipv6ExtendedCommunities],
  ['LARGE_COMMUNITIES', `${MANDATORY} c0200c 0000fbf40000000100000002`, ok, 0],
  ['LARGE_COMMUNITIES of 8', `${MANDATORY} c02008 0000fbf400000001`, treatAsWithdraw, C.largeCommunities],
  ['LARGE_COMMUNITIES empty', `${MANDATORY} c02000`, treatAsWithdraw, C.largeCommunities],
  ['OTC', `${MANDATORY} c02304 0000fbf4`, ok, 0],
  ['OTC of 2', `${MANDATORY} c02302 fbf4`, treatAsWithdraw, C.onlyToCustomer],
  ['OTC non-transitive', `${MANDATORY} 802304 0000fbf4`, treatAsWithdraw, C.onlyToCustomer],
  // RFC 6793 §6
  ['AS4_PATH, of one that knows', `${MANDATORY} c01106 0201 0000fbf4`, discardAttribute, C.as4Path],
  ['AS4_AGGREGATOR, of one that knows', `${MANDATORY} c01208 0000fbf4 0a000001`, discardAttribute, C.as4Aggregator],
  // What we do not know, RFC 4271 §9
  ['unknown, transitive', `${MANDATORY} c06302 0102`, ok, 0],
  ['unknown, empty', `${MANDATORY} c06300`, ok, 0],
  ['unknown, not transitive', `${MANDATORY} 806302 0102`, ok, 0],
  // RFC 7606 §3 g, §4
  ['ORIGIN twice', `${MANDATORY} 400101 01`, discardAttribute, C.origin],
  ['ORIGIN again, broken', `${MANDATORY} c00109 00`, treatAsWithdraw, 0],
  ['unknown twice', `${MANDATORY} c06300 c06300`, discardAttribute, 0x63],
  ['unknown twice, not transitive', `${MANDATORY} 806300 806300`, discardAttribute, 0x63],
  ['cut head', `${MANDATORY} c063`, treatAsWithdraw, 0],
  ['cut extended head', `${MANDATORY} d06300`, treatAsWithdraw, 0],
  ['cut value', `${MANDATORY} c06302 01`, treatAsWithdraw, 0],
  ['cut extended value', `${MANDATORY} d0630002 01`, treatAsWithdraw, 0],
  ['both, the strongest counts', `${MANDATORY} 400601 00 800403 000032`, treatAsWithdraw, C.multiExitDisc],
  ['both, the other way round', `${MANDATORY} 800403 000032 400601 00`, treatAsWithdraw, C.multiExitDisc],
  // RFC 4760
  ['a family that was not agreed on', `${MANDATORY} 800e09 000202 00 00 1820010d`, discardAttribute, C.mpReach],
];

test('what errors of attributes cost (RFC 7606)', () => {
  for (const [name, attributes, outcome, code, rules] of ROWS) {
    const reader = read(update({ attributes, nlri: NLRI }), rules);
    assert.deepEqual([reader.outcome, reader.faultCode], [outcome, code], `${name} ${reader.fault?.reason}`);
    assert.equal(reader.isWithdraw, outcome === treatAsWithdraw, name);
    assert.equal(reader.fault === undefined, outcome === ok, name);
    if (code !== 0 && outcome !== ok && !name.includes('twice')) assert.ok(!reader.has(code), name);
  }
});

test('AS4_PATH and AS4_AGGREGATOR of neighbours that know two-octet AS numbers (RFC 6793 §6)', () => {
  const old = `${ORIGIN} 400204 0201 fbf4 ${NEXT_HOP}`;
  const rows: [string, string, Outcome, UpdateRules][] = [
    ['path', 'c01106 0201 0000fbf4', ok, OLD],
    ['path with a confederation', 'c0110c 0301 0000fbf4 0201 0000fbf4', ok, OLD],
    ['path with a set of a confederation (RFC 9774)', 'c0110c 0401 0000fbf4 0201 0000fbf4', treatAsWithdraw, OLD],
    ['the same, allowed', 'c0110c 0401 0000fbf4 0201 0000fbf4', ok, { ...OLD, takesAsSets: true }],
    ['path empty', 'c01100', discardAttribute, OLD],
    ['path of an odd length', 'c01105 0201 0000fb', discardAttribute, OLD],
    ['path of no number', 'c01102 0200', discardAttribute, OLD],
    ['path overrun', 'c01106 0202 0000fbf4', discardAttribute, OLD],
    ['path of type 5', 'c01106 0501 0000fbf4', discardAttribute, OLD],
    ['path of type 0', 'c01106 0001 0000fbf4', discardAttribute, OLD],
    ['path of AS 0', 'c01106 0201 00000000', discardAttribute, OLD],
    ['path with a set (RFC 9774)', 'c01106 0101 0000fbf4', treatAsWithdraw, OLD],
    ['path with a set, allowed', 'c01106 0101 0000fbf4', ok, { ...OLD, takesAsSets: true }],
    ['path well-known', '401106 0201 0000fbf4', discardAttribute, OLD],
    ['aggregator', 'c01208 0000fbf4 0a000001', ok, OLD],
    ['aggregator of six bytes', 'c01206 fbf4 0a000001', discardAttribute, OLD],
    ['aggregator of AS 0', 'c01208 00000000 0a000001', discardAttribute, OLD],
    ['aggregator well-known', '401208 0000fbf4 0a000001', discardAttribute, OLD],
    ['AGGREGATOR of six bytes', 'c00706 fbf4 0a000001', ok, OLD],
    ['AGGREGATOR of eight bytes', 'c00708 0000fbf4 0a000001', discardAttribute, OLD],
    ['AGGREGATOR of AS 0', 'c00706 0000 0a000001', discardAttribute, OLD],
  ];
  for (const [name, more, outcome, rules] of rows) {
    assert.equal(read(update({ attributes: `${old} ${more}`, nlri: NLRI }), rules).outcome, outcome, name);
  }
});

test('what cannot be read resets the session, with the subcode of RFC 4271 §6.3', () => {
  const U = UpdateSubcode;
  const rows: [string, Parameters<typeof update>[0], number, string][] = [
    ['a prefix of 33 bits', { attributes: MANDATORY, nlri: '21 0000000000' }, U.invalidNetworkField, ''],
    ['a cut prefix', { attributes: MANDATORY, nlri: '18 cb00' }, U.invalidNetworkField, ''],
    ['a withdrawn prefix of 33 bits', { withdrawn: '21 0000000000' }, U.invalidNetworkField, ''],
    ['a cut withdrawn prefix', { withdrawn: '18 cb' }, U.invalidNetworkField, ''],
    ['MP_REACH_NLRI twice', { attributes: `${REACH6} ${REACH6}` }, U.malformedAttributeList, ''],
    ['MP_UNREACH_NLRI twice', { attributes: `${UNREACH6} ${UNREACH6}` }, U.malformedAttributeList, ''],
    ['unknown, well-known', { attributes: `${MANDATORY} 406301 07`, nlri: NLRI }, U.unrecognizedWellKnown, '40630107'],
    ['MP_REACH_NLRI too short for its family', { attributes: '800e02 0002' }, U.optionalAttribute, '800e020002'],
    [
      'flags of MP_REACH_NLRI, of no family of ours',
      { attributes: 'c00e05 000202 00 00' },
      U.attributeFlags,
      'c00e050002020000',
    ],
    ['MP_UNREACH_NLRI empty', { attributes: '800f00' }, U.optionalAttribute, '800f00'],
    // RFC 7606 §5.2: no prefixes, and errors that cost more than the attribute
    ['no prefixes, ORIGIN 3', { attributes: '400101 03' }, U.invalidOrigin, '40010103'],
    ['no prefixes, a cut attribute', { attributes: `${MANDATORY} c063` }, U.malformedAttributeList, 'c063'],
    [
      'withdrawn ones only, MED of 3',
      { withdrawn: NLRI, attributes: '800403 000032' },
      U.attributeLength,
      '800403000032',
    ],
    [
      'MP_UNREACH_NLRI, COMMUNITIES of 3',
      { attributes: `${UNREACH6} c00803 fbf400` },
      U.optionalAttribute,
      'c00803fbf400',
    ],
    [
      'empty MP_REACH_NLRI, MED of 3',
      { attributes: '800e09 000101 04 c0000201 00 800403 000032' },
      U.attributeLength,
      '800403000032',
    ],
  ];
  for (const [name, parts, subcode, data] of rows) {
    const error = remoteFault(() => read(update(parts)));
    assert.deepEqual([error.code, error.subcode, hex(error.data)], [ErrorCode.update, subcode, data], name);
  }
});

test('without prefixes, errors that cost an attribute are no reason to reset (RFC 7606 §5.2)', () => {
  for (const attributes of ['400601 00', `${MANDATORY} 400601 00`, `${UNREACH6} 400504 00000064`]) {
    const reader = read(update({ attributes }));
    assert.deepEqual([reader.outcome, reader.isWithdraw], [discardAttribute, false], attributes);
  }
  assert.equal(read(update({ attributes: MANDATORY })).outcome, ok, 'RFC 4271 §6.3: no NLRI is valid');
  // What another family announces is not known to be nothing.
  const elsewhere = read(update({ attributes: '800e09 000202 00 00 1820010d 800403 000032' }));
  assert.equal(elsewhere.outcome, treatAsWithdraw);
});

test('a malformed MP_REACH_NLRI or MP_UNREACH_NLRI disables its family alone (RFC 4760 §7, RFC 7606 §5.3, §7.11)', () => {
  const address = '20010db8000000000000000000000001';
  const rows: [string, string, number][] = [
    ['a prefix of 129 bits', `800e27 000201 10 ${address} 00 81 ${address}00`, Family.ipv6Unicast],
    ['a cut prefix', `800e1a 000201 10 ${address} 00 30 20010db8`, Family.ipv6Unicast],
    ['a next hop of 4 bytes', `800e0d 000201 04 c0000201 00 18 20010d`, Family.ipv6Unicast],
    ['a next hop of 8 bytes', `800e0d 000201 08 c0000201c0000201 00`, Family.ipv6Unicast],
    ['a next hop of IPv6 without RFC 8950', `800e19 000101 10 ${address} 00 18 cb0071`, Family.ipv4Unicast],
    ['a next hop beyond the attribute', `800e09 000201 10 20010db8 00`, Family.ipv6Unicast],
    ['too short', '800e04 000201 00', Family.ipv6Unicast],
    ['flags', `c00e1c 000201 10 ${address} 00 30 20010db80001`, Family.ipv6Unicast],
    ['a withdrawn prefix of 129 bits', `800f15 000201 81 ${address}00`, Family.ipv6Unicast],
    ['a withdrawn prefix, cut', '800f08 000201 30 20010db8', Family.ipv6Unicast],
    ['flags of withdrawals', '400f03 000201', Family.ipv6Unicast],
    ['a cut flow specification', '800e07 000185 00 00 03 01', Family.ipv4Flow],
  ];
  for (const [name, bad, family] of rows) {
    for (const [attributes, nlri] of [
      [`${bad} ${MANDATORY}`, NLRI],
      [`${ORIGIN} ${AS_PATH} ${bad}`, ''],
    ] as const) {
      const reader = read(update({ attributes, nlri }));
      assert.deepEqual([reader.outcome, reader.disabledFamily], [Outcome.disableFamily, family], name);
      assert.ok(!reader.isWithdraw && reader.reachFamily === 0 && reader.unreachFamily === 0, name);
    }
  }
  const both = read(update({ attributes: `400f03 000201 ${MANDATORY} 800403 000032`, nlri: NLRI }));
  assert.ok(both.isWithdraw && both.disabledFamily === Family.ipv6Unicast && both.outcome === Outcome.disableFamily);
});
