import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BgpError, ErrorCode } from '../errors.ts';
import { Outcome } from './attributes/definition.ts';
import { Family } from './families.ts';
import { CAPTURED } from './testing/captured.ts';
import { hex, unhex } from './testing/hex.ts';
import { BODY, remoteFault } from './testing/record.ts';
import { canonical, EXTERNAL, OLD, read, update } from './testing/update.ts';
import { UpdateReader } from './update.ts';
import type { UpdateRules } from './update-rules.ts';

const ORIGIN = '400101 00';
const AS_PATH = '400206 0201 0000fbf4';
const NEXT_HOP = '400304 c0000201';
const MANDATORY = `${ORIGIN} ${AS_PATH} ${NEXT_HOP}`;
const NLRI = '18 cb0071';
const REACH6 = '800e1c 000201 10 20010db8000000000000000000000001 00 30 20010db80001';
const UNREACH6 = '800f0a 000201 30 20010db80001';

test('UPDATEs of a real peer are taken, whatever was agreed', () => {
  const NEW: UpdateRules = { ...EXTERNAL, ipv6NextHopFamilies: [Family.ipv4Unicast] };
  const rows: [Uint8Array, UpdateRules, number][] = [
    [CAPTURED.old.communities, OLD, 0],
    [CAPTURED.old.as4Path, OLD, 0],
    [CAPTURED.old.ipv6, OLD, Family.ipv6Unicast],
    [CAPTURED.new.communities, NEW, Family.ipv4Unicast],
    [CAPTURED.new.prepended, NEW, Family.ipv4Unicast],
    [CAPTURED.new.ipv6, NEW, Family.ipv6Unicast],
    [CAPTURED.new.flow4, NEW, Family.ipv4Flow],
    [CAPTURED.new.flow6, NEW, Family.ipv6Flow],
    [CAPTURED.frrUpdate4, EXTERNAL, 0],
    [CAPTURED.frrUpdate6, EXTERNAL, Family.ipv6Unicast],
    [CAPTURED.addPath.communities, { ...NEW, pathIdFamilies: [Family.ipv4Unicast] }, Family.ipv4Unicast],
  ];
  for (const [message, rules, family] of rows) {
    const reader = read(message, rules);
    assert.deepEqual([reader.outcome, reader.fault, reader.reachFamily], [Outcome.ok, undefined, family]);
    assert.ok(!reader.isWithdraw && reader.endOfRib === 0 && reader.disabledFamily === 0);
  }
});

test('next hops and prefixes of MP_REACH_NLRI and MP_UNREACH_NLRI are found (RFC 4760 §3, §4)', () => {
  const reader = read(update({ attributes: `${UNREACH6} ${REACH6} ${ORIGIN} ${AS_PATH}` }));
  const { buffer } = reader.fields;
  assert.equal(
    hex(buffer, reader.nextHopAt, reader.nextHopAt + reader.nextHopBytes),
    '20010db8000000000000000000000001',
  );
  assert.equal(hex(buffer, reader.reachAt, reader.reachEnd), '3020010db80001');
  assert.equal(hex(buffer, reader.unreachAt, reader.unreachEnd), '3020010db80001');
  assert.deepEqual([reader.reachFamily, reader.unreachFamily], [Family.ipv6Unicast, Family.ipv6Unicast]);
  // Reused, nothing is left of it.
  reader.read(CAPTURED.keepalive.fill(0), 0, 4, EXTERNAL);
  assert.deepEqual([reader.reachFamily, reader.unreachFamily, reader.reachEnd, reader.unreachEnd], [0, 0, 0, 0]);
});

test('End-of-RIB markers (RFC 4724 §2)', () => {
  const of = (parts: Parameters<typeof update>[0]): number => read(update(parts)).endOfRib;
  assert.equal(of({}), Family.ipv4Unicast);
  assert.equal(of({ attributes: '800f03 000201' }), Family.ipv6Unicast);
  assert.equal(of({ attributes: '900f0003 000101' }), Family.ipv4Unicast);
  assert.equal(of({ attributes: '800f03 000185' }), Family.ipv4Flow);
  assert.equal(of({ attributes: '800f03 000202' }), 0, 'a family that was not agreed on');
  assert.equal(of({ withdrawn: NLRI }), 0);
  assert.equal(of({ attributes: '800f03 000201', withdrawn: NLRI }), 0);
  assert.equal(of({ attributes: UNREACH6 }), 0);
  assert.equal(of({ attributes: ORIGIN }), 0);
  assert.equal(of({ attributes: `800f03 000201 ${ORIGIN}` }), 0);
  assert.equal(of({ attributes: `${MANDATORY} 800f03 000201`, nlri: NLRI }), 0);
});

const { ok, discardAttribute, treatAsWithdraw } = Outcome;

test('IPv4 in fields of its own is left out when it was not agreed on', () => {
  const rules = { ...EXTERNAL, families: [Family.ipv6Unicast] };
  const both = read(update({ withdrawn: NLRI, attributes: `${REACH6} ${MANDATORY}`, nlri: NLRI }), rules);
  const { fields } = both;
  assert.deepEqual([both.outcome, both.reachFamily, both.isWithdraw], [discardAttribute, Family.ipv6Unicast, false]);
  assert.ok(fields.nlriAt === fields.nlriEnd && fields.withdrawnAt === fields.withdrawnEnd);
  // Not known to announce nothing: no reset.
  assert.equal(read(update({ attributes: '400101 03', nlri: NLRI }), rules).outcome, treatAsWithdraw);
  assert.equal(remoteFault(() => read(update({ attributes: '400101 03', withdrawn: NLRI }), rules)).subcode, 6);
  assert.equal(remoteFault(() => read(update({ attributes: MANDATORY, nlri: '21 00' }), rules)).subcode, 10);
  const gone = read(update({ withdrawn: NLRI }), rules);
  assert.deepEqual([gone.outcome, gone.endOfRib], [discardAttribute, 0]);
  assert.deepEqual([read(update({}), rules).endOfRib, read(update({}), rules).outcome], [0, ok]);
  assert.equal(read(update({ attributes: '800f03 000201', withdrawn: NLRI }), rules).endOfRib, 0);
});

test('a path of an old neighbour that four-byte numbers make longer than an attribute may be is no path', () => {
  const path = (count: number): string => `02ff ${'fbf4'.repeat(255)}`.repeat(count);
  const of = (count: number, as4 = ''): Outcome => {
    const value = path(count);
    const bytes = unhex(value).length.toString(16).padStart(4, '0');
    return read(update({ attributes: `${ORIGIN} 5002${bytes} ${value} ${NEXT_HOP} ${as4}`, nlri: NLRI }), OLD).outcome;
  };
  const as4 = `02ff ${'0000fbf4'.repeat(255)}`;
  assert.equal(of(63), ok);
  assert.equal(of(64), treatAsWithdraw);
  assert.equal(of(63, `d01103fe ${as4}`), ok);
  assert.equal(of(63, `d01107fc ${as4} ${as4}`), treatAsWithdraw);
  const long = new UpdateReader();
  const value = unhex(path(63));
  const message = update({
    attributes: `${ORIGIN} 5002${value.length.toString(16)} ${hex(value)} ${NEXT_HOP}`,
    nlri: NLRI,
  });
  long.read(message, BODY, message.length, OLD);
  assert.equal(canonical(long, 2).length / 2, 4 + 4 + 2 * value.length - 2 * 63);
});

test('next hops of IPv6: one or two addresses, of hosts, also for IPv4 where that was agreed (RFC 2545 §3, RFC 8950 §3)', () => {
  const global = '20010db8000000000000000000000001';
  const local = 'fe800000000000000000000000000001';
  const reach = (bytes: string, nextHop: string, family = '000201', nlri = '30 20010db80001'): string => {
    const value = unhex(`${family} ${bytes} ${nextHop} 00 ${nlri}`);
    return `800e${hex(Uint8Array.of(value.length))}${hex(value)} ${ORIGIN} ${AS_PATH}`;
  };
  const both = { ...EXTERNAL, ipv6NextHopFamilies: [Family.ipv4Unicast] };
  const rows: [string, Outcome, UpdateRules][] = [
    [reach('10', global), ok, EXTERNAL],
    [reach('20', global + local), ok, EXTERNAL],
    [reach('10', '00'.repeat(16)), treatAsWithdraw, EXTERNAL],
    [reach('20', '00'.repeat(32)), treatAsWithdraw, EXTERNAL],
    [reach('20', '00'.repeat(16) + global), treatAsWithdraw, EXTERNAL],
    [reach('10', 'ff020000000000000000000000000001'), treatAsWithdraw, EXTERNAL],
    [reach('10', global, '000101', '18 cb0071'), ok, both],
    [reach('20', global + local, '000101', '18 cb0071'), ok, both],
    [reach('04', 'c0000201', '000101', '18 cb0071'), ok, EXTERNAL],
    [reach('04', 'e0000201', '000101', '18 cb0071'), treatAsWithdraw, EXTERNAL],
    [reach('00', '', '000185', '03 038106'), ok, EXTERNAL],
    [reach('04', '00000000', '000185', '03 038106'), ok, EXTERNAL],
  ];
  for (const [attributes, outcome, rules] of rows) {
    const reader = read(update({ attributes }), rules);
    assert.equal(reader.outcome, outcome, attributes);
    assert.ok(reader.reachFamily !== 0 && reader.reachAt < reader.reachEnd);
  }
});

test('an unspecified address before a link-local one is none, as BIRD sends it over link-local sessions', () => {
  const local = 'fe800000000000000000000000000001';
  const attributes = `800e2c 000201 20 ${'00'.repeat(16)} ${local} 00 30 20010db80001 ${ORIGIN} ${AS_PATH}`;
  const reader = read(update({ attributes }));
  const { nextHopAt, nextHopBytes, reachAt, reachEnd } = reader;
  assert.equal(reader.outcome, ok);
  assert.equal(hex(reader.fields.buffer.slice(nextHopAt, nextHopAt + nextHopBytes)), local);
  assert.equal(hex(reader.fields.buffer.slice(reachAt, reachEnd)), '3020010db80001');
});

test('of two addresses the second counts when it is link-local, and a next hop of flow specifications never', () => {
  const global = '20010db8000000000000000000000001';
  const bytesOf = (second: string): number =>
    read(update({ attributes: `800e2c 000201 20 ${global} ${second} 00 30 20010db80001 ${ORIGIN} ${AS_PATH}` }))
      .nextHopBytes;
  const rest = '0000000000000000000000000001';
  const rows: [string, number][] = [
    ['fe80', 32],
    ['febf', 32],
    ['fec0', 16],
    ['fe7f', 16],
    ['2001', 16],
    ['0000', 16],
  ];
  for (const [first, bytes] of rows) assert.equal(bytesOf(first + rest), bytes, first);
  const one = read(update({ attributes: `800e1c 000201 10 ${global} 00 30 20010db80001 ${ORIGIN} ${AS_PATH}` }));
  assert.equal(one.nextHopBytes, 16);
  const flow = read(update({ attributes: `800e0d 000185 04 c0000201 00 03038106 ${ORIGIN} ${AS_PATH}` }));
  assert.equal(flow.nextHopBytes, 0);
});

test('of a flow specification that is malformed, the route goes and the family stays (RFC 8955 §10)', () => {
  for (const nlri of ['03 0e8106', '03 0d8106', '00', '06 038106 038107', '06 048106 038107', '03 030106', '02 0121']) {
    const bytes = unhex(nlri).length + 5;
    const reader = read(
      update({ attributes: `800e${hex(Uint8Array.of(bytes))} 000185 00 00 ${nlri} ${ORIGIN} ${AS_PATH}` }),
    );
    assert.deepEqual([reader.outcome, reader.reachFamily], [treatAsWithdraw, Family.ipv4Flow], nlri);
  }
});

test('path identifiers count where they were agreed on (RFC 7911 §3)', () => {
  const rules = { ...EXTERNAL, pathIdFamilies: [Family.ipv4Unicast, Family.ipv6Unicast] };
  const reach = `800e20 000201 10 20010db8000000000000000000000001 00 00000007 30 20010db80001`;
  assert.equal(read(update({ attributes: `${reach} ${MANDATORY}`, nlri: `00000001 ${NLRI}` }), rules).outcome, ok);
  assert.equal(remoteFault(() => read(update({ attributes: MANDATORY, nlri: NLRI }), rules)).subcode, 10);
  assert.equal(remoteFault(() => read(update({ withdrawn: NLRI }), rules)).subcode, 10);
  assert.equal(
    read(update({ attributes: `${REACH6} ${MANDATORY}`, nlri: `00000001 ${NLRI}` }), rules).outcome,
    Outcome.disableFamily,
  );
});

test('every prefix of an UPDATE, and of its attributes, is an error of RFC 4271 §6.3, or says less', () => {
  for (const message of [CAPTURED.old.communities, CAPTURED.old.as4Path]) {
    for (let end = BODY + 4; end < message.length; end++) {
      const reader = new UpdateReader();
      try {
        reader.read(message, BODY, end, OLD);
        assert.ok(reader.fields.nlriEnd === end && reader.outcome === ok, `${end}`);
      } catch (error) {
        assert.ok(error instanceof BgpError && error.code === ErrorCode.update, String(error));
      }
    }
    const { fields } = read(message, OLD);
    const attributes = hex(fields.buffer, fields.attributesAt, fields.attributesEnd);
    for (let length = 0; length < attributes.length; length += 2) {
      const reader = read(update({ attributes: attributes.slice(0, length), nlri: NLRI }), OLD);
      // The mandatory ones take 18 bytes at least.
      const isWhole = reader.fault === undefined;
      assert.equal(reader.isWithdraw, !isWhole);
      assert.ok(!isWhole || length / 2 >= 18);
    }
  }
});
