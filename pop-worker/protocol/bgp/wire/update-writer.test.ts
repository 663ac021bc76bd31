import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Outcome } from './attributes/definition.ts';
import { narrowAttributes } from './attributes/narrow.ts';
import { Family } from './families.ts';
import { encodeFlowSpec } from './flowspec/codec.ts';
import { FlowCursor } from './flowspec/nlri.ts';
import { MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES } from './header.ts';
import { readMessages } from './messages.ts';
import { PrefixCursor } from './nlri.ts';
import { CAPTURED } from './testing/captured.ts';
import { hex, unhex } from './testing/hex.ts';
import { recordingSink, written } from './testing/record.ts';
import { canonical, EXTERNAL, OLD, read } from './testing/update.ts';
import type { UpdateReader } from './update.ts';
import { UpdateWriter, type WriteRules, writeEndOfRib } from './update-writer.ts';

const NEW_RULES: WriteRules = { asBytes: 4, pathIdFamilies: [] };
const OLD_RULES: WriteRules = { asBytes: 2, pathIdFamilies: [] };
const HOP4 = unhex('c0000201');
const HOP6 = unhex('20010db8000000000000000000000001');
const BARE = unhex('400101 00 400206 0201 0000fbf4');

interface Prefix {
  readonly words: readonly number[];
  readonly length: number;
  readonly pathId?: number;
}

const writer = new UpdateWriter();

/** One message of as many prefixes as fit; and how many those were. */
const announce = (
  family: number,
  attributes: Uint8Array,
  nextHop: Uint8Array,
  prefixes: readonly Prefix[],
  rules = NEW_RULES,
  room = MAX_MESSAGE_BYTES,
): { message: Uint8Array; count: number } => {
  let count = 0;
  const message = written((buffer, at, end) => {
    assert.ok(writer.announce(buffer, at, end, family, attributes, 0, attributes.length, nextHop, rules));
    for (const { words, length, pathId = 0 } of prefixes) {
      if (!writer.add(Uint32Array.from(words), length, pathId)) break;
      count++;
    }
    return writer.finish();
  }, room);
  return { message, count };
};

const withdraw = (family: number, prefixes: readonly Prefix[], rules = NEW_RULES, room = MAX_MESSAGE_BYTES) => {
  let count = 0;
  const message = written((buffer, at, end) => {
    writer.withdraw(buffer, at, end, family, rules);
    for (const { words, length, pathId = 0 } of prefixes) {
      if (!writer.add(Uint32Array.from(words), length, pathId)) break;
      count++;
    }
    return writer.finish();
  }, room);
  return { message, count };
};

const V4: readonly Prefix[] = [
  { words: [0xc6336400, 0, 0, 0], length: 25 },
  { words: [0xc0000200, 0, 0, 0], length: 24 },
];
const V6: readonly Prefix[] = [
  { words: [0x20010db8, 0x00010000, 0, 0], length: 48 },
  { words: [0x20010db8, 0x80000000, 0, 0], length: 33 },
];

const attributesOf = (message: Uint8Array, rules = EXTERNAL): Uint8Array =>
  unhex(canonical(read(message, rules), rules.asBytes));

test('what a real peer has sent is written as it was', () => {
  const { old } = CAPTURED;
  const attributes = attributesOf(old.communities, OLD);
  const nextHop = unhex('7f000001');
  assert.equal(hex(announce(Family.ipv4Unicast, attributes, nextHop, V4, OLD_RULES).message), hex(old.communities));
  const ten: Prefix = { words: [0x0a000000, 0, 0, 0], length: 8 };
  const path = attributesOf(old.as4Path, OLD);
  assert.equal(hex(announce(Family.ipv4Unicast, path, nextHop, [ten], OLD_RULES).message), hex(old.as4Path));
  const six = attributesOf(CAPTURED.new.ipv6);
  assert.equal(hex(announce(Family.ipv6Unicast, six, HOP6, V6).message), hex(CAPTURED.new.ipv6));
  assert.equal(hex(announce(Family.ipv6Unicast, six, HOP6, V6, OLD_RULES).message), hex(old.ipv6));
});

test('End-of-RIB markers are those of a real peer', () => {
  assert.deepEqual(
    written((buffer, at) => writeEndOfRib(buffer, at, Family.ipv4Unicast)),
    CAPTURED.endOfRib4,
  );
  assert.deepEqual(
    written((buffer, at) => writeEndOfRib(buffer, at, Family.ipv6Unicast)),
    CAPTURED.endOfRib6,
  );
});

test('withdrawals, in their own field and in MP_UNREACH_NLRI', () => {
  const four = withdraw(Family.ipv4Unicast, V4).message;
  assert.equal(hex(four, 19), hex(unhex('0009 19c6336400 18c00002 0000')));
  const six = withdraw(Family.ipv6Unicast, V6).message;
  assert.equal(hex(six, 19), hex(unhex('0000 0014 900f0010 000201 30 20010db80001 21 20010db880')));
});

test('IPv4 with a next hop of IPv6 goes in MP_REACH_NLRI (RFC 8950 §3)', () => {
  const { message } = announce(Family.ipv4Unicast, BARE, HOP6, V4);
  const reader = read(message, { ...EXTERNAL, ipv6NextHopFamilies: [Family.ipv4Unicast] });
  assert.deepEqual([reader.outcome, reader.reachFamily, reader.nextHopBytes], [Outcome.ok, Family.ipv4Unicast, 16]);
});

test('path identifiers go with prefixes where that was agreed', () => {
  const rules: WriteRules = { asBytes: 4, pathIdFamilies: [Family.ipv4Unicast] };
  const with1 = V4.map((prefix, i) => ({ ...prefix, pathId: i + 7 }));
  const reader = read(announce(Family.ipv4Unicast, BARE, HOP4, with1, rules).message, {
    ...EXTERNAL,
    pathIdFamilies: [0x0101],
  });
  assert.deepEqual(prefixesOf(reader, true), with1);
});

test('flow specifications have no next hop (RFC 8955 §4)', () => {
  const components = encodeFlowSpec(
    [{ kind: 'field', type: 3, terms: [{ isAnd: false, operator: 1, value: 17 }] }],
    32,
  );
  for (const pathIds of [[], [Family.ipv4Flow]]) {
    const rules: WriteRules = { asBytes: 4, pathIdFamilies: pathIds };
    let count = 0;
    const message = written((buffer, at, end) => {
      assert.ok(writer.announce(buffer, at, end, Family.ipv4Flow, BARE, 0, BARE.length, new Uint8Array(0), rules));
      while (writer.addFlowSpec(components, 5)) count++;
      return writer.finish();
    }, 200);
    const reader = read(message, { ...EXTERNAL, pathIdFamilies: pathIds });
    assert.deepEqual([reader.outcome, reader.reachFamily, reader.nextHopBytes], [Outcome.ok, Family.ipv4Flow, 0]);
    const cursor = new FlowCursor().reset(reader.fields.buffer, reader.reachAt, reader.reachEnd, pathIds.length > 0);
    let found = 0;
    while (cursor.next()) found++;
    assert.equal(found, count);
    assert.ok(200 - message.length < 8 && !cursor.isCut);
  }
});

const prefixesOf = (reader: UpdateReader, hasPathIds = false): Prefix[] => {
  const { fields } = reader;
  const found: Prefix[] = [];
  for (const [start, end] of [
    [fields.withdrawnAt, fields.withdrawnEnd],
    [fields.nlriAt, fields.nlriEnd],
    [reader.reachAt, reader.reachEnd],
    [reader.unreachAt, reader.unreachEnd],
  ] as const) {
    const cursor = new PrefixCursor().reset(fields.buffer, start, end, hasPathIds);
    while (cursor.next()) {
      const { address, length, pathId } = cursor;
      found.push(hasPathIds ? { words: [...address], length, pathId } : { words: [...address], length });
    }
  }
  return found;
};

test('messages are filled to their end, and not beyond: 4096 bytes, and 65,535 (RFC 8654)', () => {
  const many = (first: number, length: number): Prefix[] =>
    Array.from({ length: 20_000 }, (_, i) => ({ words: [(first + i * 256) >>> 0, 0, 0, 0], length }));
  for (const room of [MAX_MESSAGE_BYTES, MAX_EXTENDED_MESSAGE_BYTES]) {
    for (const [family, hop, first] of [
      [Family.ipv4Unicast, HOP4, 0x0a000000],
      [Family.ipv6Unicast, HOP6, 0x20000000],
    ] as const) {
      const prefixes = many(first, 24);
      for (const { message, count } of [
        announce(family, BARE, hop, prefixes, NEW_RULES, room),
        withdraw(family, prefixes, NEW_RULES, room),
      ]) {
        assert.ok(count < prefixes.length && room - message.length < 4, `${message.length}`);
        const { sink, seen } = recordingSink();
        assert.equal(readMessages(message, 0, message.length, room, sink), message.length);
        assert.equal(seen.length, 1);
        assert.deepEqual(prefixesOf(read(message)), prefixes.slice(0, count));
      }
    }
  }
});

test('whatever the room, no prefix more would fit, and none less', () => {
  const hosts = (words: readonly number[], length: number): Prefix[] =>
    Array.from({ length: 40 }, () => ({ words, length }));
  for (let room = 120; room < 160; room++) {
    for (const pathIds of [[], [Family.ipv4Unicast, Family.ipv6Unicast]]) {
      const rules: WriteRules = { asBytes: 4, pathIdFamilies: pathIds };
      for (const [family, hop, list, bytes] of [
        [Family.ipv4Unicast, HOP4, hosts([0xc0000201, 0, 0, 0], 32), 5],
        [Family.ipv6Unicast, HOP6, hosts([1, 2, 3, 4], 128), 17],
        [Family.ipv4Unicast, HOP4, hosts([0xc0000200, 0, 0, 0], 24), 4],
      ] as const) {
        const each = bytes + (pathIds.length > 0 ? 4 : 0);
        for (const { message } of [
          announce(family, BARE, hop, list, rules, room),
          withdraw(family, list, rules, room),
        ]) {
          assert.ok(message.length <= room && room - message.length < each, `${room} ${message.length}`);
          assert.equal(read(message, { ...EXTERNAL, pathIdFamilies: pathIds }).outcome, Outcome.ok);
        }
      }
    }
  }
});

test('attributes may lie anywhere, and a path may be long', () => {
  const long = unhex(`400101 00 500203fe 02ff ${'0000fbf4'.repeat(255)} 800404 00000032`);
  for (const attributes of [BARE, long]) {
    const inside = new Uint8Array(attributes.length + 9).fill(0xc0);
    inside.set(attributes, 5);
    for (const rules of [NEW_RULES, OLD_RULES]) {
      const message = written((buffer, at, end) => {
        const last = 5 + attributes.length;
        assert.ok(writer.announce(buffer, at, end, Family.ipv4Unicast, inside, 5, last, HOP4, rules));
        assert.ok(writer.add(Uint32Array.from(V4[0]!.words), 25, 0));
        return writer.finish();
      });
      const reader = read(message, rules === OLD_RULES ? OLD : EXTERNAL);
      assert.equal(canonical(reader, rules.asBytes), hex(attributes));
      const { attributesAt, attributesEnd, buffer } = reader.fields;
      const codes: number[] = [];
      for (let at = attributesAt; at < attributesEnd; ) {
        codes.push(buffer[at + 1]!);
        const isExtended = (buffer[at]! & 0x10) !== 0;
        at += isExtended ? 4 + buffer[at + 2]! * 256 + buffer[at + 3]! : 3 + buffer[at + 2]!;
      }
      assert.deepEqual(codes, attributes === long ? [1, 2, 3, 4] : [1, 2, 3], 'in ascending order (RFC 4271 §5)');
    }
  }
});

test('attributes that leave no room for a prefix are not begun (RFC 4271 §9.2)', () => {
  const communities = (count: number): Uint8Array =>
    unhex(`${hex(BARE)} d008 ${(count * 4).toString(16).padStart(4, '0')} ${'fbf40064'.repeat(count)}`);
  const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
  const fits = (family: number, hop: Uint8Array, count: number): boolean =>
    writer.announce(buffer, 0, buffer.length, family, communities(count), 0, communities(count).length, hop, NEW_RULES);
  for (const [family, hop, host] of [
    [Family.ipv4Unicast, HOP4, { words: [0xc0000201, 0, 0, 0], length: 32 }],
    [Family.ipv6Unicast, HOP6, { words: [1, 2, 3, 4], length: 128 }],
  ] as const) {
    let most = 900;
    while (fits(family, hop, most + 1)) most++;
    assert.ok(!fits(family, hop, most + 1));
    const { message, count } = announce(family, communities(most), hop, [host]);
    assert.equal(count, 1);
    assert.ok(MAX_MESSAGE_BYTES - message.length < 4, 'a community more would be too much');
  }
});

test('for two-octet neighbours, what does not fit goes in AS4_PATH and AS4_AGGREGATOR, only then (RFC 6793 §4.2.2)', () => {
  const of = (text: string): string => {
    const bytes = unhex(text);
    const out = new Uint8Array(1000);
    return hex(out, 5, narrowAttributes(bytes, 0, bytes.length, out, 5));
  };
  const plain = (text: string): string => hex(unhex(text));
  assert.equal(of('400101 00 400206 0201 0000fbf4'), plain('400101 00 400204 0201 fbf4'));
  assert.equal(of('400200 c02304 0000fbf4'), plain('400200 c02304 0000fbf4'));
  assert.equal(
    of('40020a 0202 0000fbf4 fa56ea01 c00708 0000fbf4 0a000001 c00804 fbf40064 c02304 0000fbf4'),
    plain('400206 0202 fbf4 5ba0 c00706 fbf4 0a000001 c00804 fbf40064 c0110a 0202 0000fbf4 fa56ea01 c02304 0000fbf4'),
  );
  assert.equal(
    of('400206 0201 0000fbf4 e00708 fa56ea01 0a000001 c01008 0002fbf400000007'),
    plain('400204 0201 fbf4 e00706 5ba0 0a000001 c01008 0002fbf400000007 c01208 fa56ea01 0a000001'),
  );
  const long = `50020192 0264 ${'0000fbf4'.repeat(100)}`;
  assert.equal(of(long), plain(`4002ca 0264 ${'fbf4'.repeat(100)}`));
});

const path = fc
  .array(fc.array(fc.integer({ min: 1, max: 0xffffffff }), { minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((segments) => {
    const value = segments
      .map(
        (numbers) =>
          hex(Uint8Array.of(2, numbers.length)) + numbers.map((as) => as.toString(16).padStart(8, '0')).join(''),
      )
      .join('');
    return `4002${hex(Uint8Array.of(value.length / 2))}${value}`;
  });
const more = fc.uniqueArray(
  fc.constantFrom('80040400000032', '400600', 'c00708fa56ea010a000001', 'c00804fbf40064', 'e0630101'),
);

test('round trip, to neighbours old and new', () => {
  fc.assert(
    fc.property(path, more, fc.boolean(), fc.boolean(), (asPath, others, isOld, isIpv6) => {
      const attributes = unhex(
        ['40010100', asPath, ...others.toSorted((a, b) => (a.slice(2, 4) < b.slice(2, 4) ? -1 : 1))].join(''),
      );
      const rules = { ...(isOld ? OLD : EXTERNAL), firstAs: 0 };
      const family = isIpv6 ? Family.ipv6Unicast : Family.ipv4Unicast;
      const list = isIpv6 ? V6 : V4;
      const { message } = announce(family, attributes, isIpv6 ? HOP6 : HOP4, list, isOld ? OLD_RULES : NEW_RULES);
      const reader = read(message, rules);
      assert.equal(reader.outcome, Outcome.ok);
      assert.equal(canonical(reader, rules.asBytes), hex(attributes));
      assert.deepEqual(prefixesOf(reader), list);
    }),
  );
});

test('nothing is written of a message without prefixes, which would be an End-of-RIB marker', () => {
  const writer = new UpdateWriter();
  const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
  for (const family of [Family.ipv4Unicast, Family.ipv6Unicast, Family.ipv4Flow]) {
    writer.withdraw(buffer, 5, MAX_MESSAGE_BYTES, family, NEW_RULES);
    assert.equal(writer.finish(), 5);
    assert.ok(writer.announce(buffer, 5, MAX_MESSAGE_BYTES, family, BARE, 0, BARE.length, HOP6, NEW_RULES));
    assert.equal(writer.finish(), 5);
  }
  assert.ok(writer.announce(buffer, 5, MAX_MESSAGE_BYTES, Family.ipv4Unicast, BARE, 0, BARE.length, HOP4, NEW_RULES));
  assert.equal(writer.finish(), 5);
});
