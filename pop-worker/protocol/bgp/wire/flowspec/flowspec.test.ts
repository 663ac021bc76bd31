import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex, unhex } from '../testing/hex.ts';
import { decodeFlowSpec, encodeFlowSpec, flowSpecBytes, MAX_FLOW_SPEC_BYTES, writeFlowSpec } from './codec.ts';
import type { FlowComponent, FlowSpec } from './component.ts';
import { areFlowSpecs, areFramed, FlowCursor } from './nlri.ts';
import { compareFlowSpecs } from './order.ts';
import { flowSpecText } from './text.ts';
import { componentType } from './types.ts';

/** NLRI with their lengths, in the middle of other bytes, which must not matter. */
const read = (text: string, bits: number, hasPathIds = false): FlowSpec[] | undefined => {
  const bytes = unhex(text);
  const buffer = new Uint8Array(bytes.length + 40).fill(0x81);
  buffer.set(bytes, 11);
  if (!areFlowSpecs(buffer, 11, 11 + bytes.length, bits, hasPathIds)) return undefined;
  const cursor = new FlowCursor().reset(buffer, 11, 11 + bytes.length, hasPathIds);
  const found: FlowSpec[] = [];
  while (cursor.next()) found.push(decodeFlowSpec(buffer, cursor.start, cursor.end, bits));
  return found;
};

const write = (spec: FlowSpec, bits: number): string => {
  const components = encodeFlowSpec(spec, bits);
  const buffer = new Uint8Array(flowSpecBytes(components.length));
  assert.equal(writeFlowSpec(buffer, 0, components), buffer.length);
  return hex(buffer);
};

/** Examples of RFC 8955 §4.3 and RFC 8956 §3.8, and what BIRD 2.0.12 sends. */
const EXAMPLES: readonly (readonly [string, number, string])[] = [
  ['0b 01 18 c0 00 02 03 81 06 04 81 19', 32, 'destination 192.0.2.0/24, protocol =6, port =25'],
  [
    '12 01 18 c0 00 02 02 18 cb 00 71 04 03 89 45 8b 91 1f 90',
    32,
    'destination 192.0.2.0/24, source 203.0.113.0/24, port >=137&<=139|=8080',
  ],
  ['09 01 20 c0 00 02 01 0c 80 05', 32, 'destination 192.0.2.1/32, fragment 0x5'],
  [
    '12 01 20 00 20 01 0d b8 02 68 40 12 34 56 78 9a 03 81 06',
    128,
    'destination 2001:db8::/32, source ::1234:5678:9a00:0/64-104, protocol =6',
  ],
  [
    '0f 01 20 00 20 01 0d b8 02 68 41 24 68 ac f1 34',
    128,
    'destination 2001:db8::/32, source ::1234:5678:9a00:0/65-104',
  ],
  [
    '17 0118c00002 038111 050135817b 0a1203e8d405dc 0c8102',
    32,
    'destination 192.0.2.0/24, protocol =17, destination-port =53|=123, packet-length >1000&<1500, fragment =0x2',
  ],
];

test('the examples of RFC 8955 §4.3 and RFC 8956 §3.8, and a real peer', () => {
  for (const [text, bits, expected] of EXAMPLES) {
    const specs = read(text, bits);
    assert.equal(specs?.length, 1);
    assert.equal(flowSpecText(specs![0]!), expected);
    if (expected.includes('1500')) continue;
    assert.equal(write(specs![0]!, bits), hex(unhex(text)));
  }
});

test('several, with lengths of one and two bytes, and path identifiers', () => {
  const long = `05 ${'01 07 '.repeat(119)}81 07`;
  assert.equal(read(`f0f1 ${long} 03 038106`, 32)?.length, 2);
  assert.equal(read(`03 038106 03 038107`, 32)?.length, 2);
  assert.equal(read('00000001 03 038106', 32, true)?.length, 1);
  const cursor = new FlowCursor().reset(unhex('00000009 03 038106'), 0, 8, true);
  assert.deepEqual(read('00000001 00', 32, true), undefined, 'empty, but framed');
  assert.ok(areFramed(unhex('00000001 00'), 0, 5, true));
  assert.ok(cursor.next() && cursor.pathId === 9 && cursor.start === 5 && cursor.end === 8 && !cursor.next());
});

test('lengths of one byte below 240, of two from there to 4095 (RFC 8955 §4.1)', () => {
  /** Of so many bytes: ports of one byte each, one of two where it has to be. */
  const spec = (bytes: number): FlowSpec => {
    const values =
      bytes % 2 === 0
        ? [300, ...new Array<number>((bytes - 4) / 2).fill(7)]
        : new Array<number>((bytes - 1) / 2).fill(7);
    return [{ kind: 'field', type: 4, terms: values.map((value) => ({ isAnd: false, operator: 1, value })) }];
  };
  for (const [bytes, length] of [
    [239, 'ef'],
    [240, 'f0f0'],
    [241, 'f0f1'],
    [255, 'f0ff'],
    [256, 'f100'],
    [4095, 'ffff'],
  ] as const) {
    const text = write(spec(bytes), 32);
    assert.ok(text.startsWith(`${length}04`) && text.length === 2 * bytes + length.length, `${bytes}`);
    assert.deepEqual(read(`${text} 03 038106`, 32)?.[0], spec(bytes));
    assert.equal(flowSpecBytes(bytes), bytes + length.length / 2);
  }
});

test('a field whose lengths do not add up is not framed (RFC 7606 §5.3)', () => {
  const rows: [string, boolean][] = [
    ['04 038106', false],
    ['f0', false],
    ['f004 038106', false],
    ['03 038106 01', false],
    ['00000001', true],
    ['000000', true],
    ['00000001 f0', true],
    ['00000001 04 038106', true],
  ];
  for (const [text, hasPathIds] of rows) {
    const bytes = unhex(text);
    assert.ok(!areFramed(bytes, 0, bytes.length, hasPathIds), text);
    assert.ok(!areFlowSpecs(bytes, 0, bytes.length, 32, hasPathIds), text);
  }
  for (const text of ['', '00', 'f000', '03 ffffff']) {
    const bytes = unhex(text);
    assert.ok(areFramed(bytes, 0, bytes.length, false), text);
  }
});

test('what RFC 8955 §4.2 does not allow is malformed', () => {
  const v4 = [
    '',
    '0e8106',
    '0d8106',
    '008106',
    '038106038107',
    '048106038106',
    '03',
    '0301',
    '030106',
    '039106',
    '03a10006',
  ];
  const prefixes = ['01', '0121c000020100', '0118c000', '0219c00002'];
  const widths = ['09a100000002', '09b10000000000000002', '0b910007', '0c910002'];
  for (const text of [...v4, ...prefixes, ...widths]) {
    const bytes = unhex(text);
    assert.equal(read(hex(Uint8Array.of(bytes.length)) + text, 32), undefined, text);
  }
  const v6 = ['0120', '01810020010db8', '01200020010d', '01202020010db8', '01000101', '01404120010db8', '0e8106'];
  for (const text of v6) {
    const bytes = unhex(text);
    assert.equal(read(hex(Uint8Array.of(bytes.length)) + text, 128), undefined, text);
  }
  assert.ok(read('03 010000', 128), 'any address');
  assert.ok(read('04 01807f80', 128), 'the last bit');
  assert.ok(read('04 01010080', 128), 'the first');
  assert.ok(read('02 0100', 32), 'any address');
});

test('bits that must be ignored are (RFC 8955 §4.2.1)', () => {
  assert.equal(flowSpecText(read('03 03c906', 32)![0]!), 'protocol =6', 'AND of the first; the reserved bit');
  assert.equal(flowSpecText(read('03 0c8d06', 32)![0]!), 'fragment =0x6');
  assert.equal(flowSpecText(read('06 011c c00002ff', 32)![0]!), 'destination 192.0.2.240/28');
  assert.equal(flowSpecText(read('0a 03b1 0000000000000006', 32)![0]!), 'protocol =6');
});

test('what was not checked is refused instead of read for ever', () => {
  const good = unhex('038106');
  for (const text of ['030106', '0e8106', '01ff']) {
    const bad = unhex(text);
    assert.throws(() => decodeFlowSpec(bad, 0, bad.length, 32), RangeError, text);
    assert.throws(() => compareFlowSpecs(bad, bad, 32), RangeError, text);
  }
  assert.throws(() => compareFlowSpecs(good, unhex('030106'), 32), RangeError);
});

test('every comparison has its text', () => {
  const numeric = ['false', '=7', '>7', '>=7', '<7', '<=7', '!=7', 'true'];
  for (const [operator, text] of numeric.entries()) {
    assert.equal(
      flowSpecText([{ kind: 'field', type: 3, terms: [{ isAnd: false, operator, value: 7 }] }]),
      `protocol ${text}`,
    );
  }
  const bitmask = ['0x12', '=0x12', '!0x12', '!=0x12'];
  for (const [operator, text] of bitmask.entries()) {
    assert.equal(
      flowSpecText([{ kind: 'field', type: 9, terms: [{ isAnd: false, operator, value: 0x12 }] }]),
      `tcp-flags ${text}`,
    );
  }
});

test('what cannot be written is refused', () => {
  const field = (type: number, value: number): FlowComponent => ({
    kind: 'field',
    type,
    terms: [{ isAnd: false, operator: 1, value }],
  });
  assert.throws(() => encodeFlowSpec([], 32), RangeError);
  assert.throws(() => encodeFlowSpec([field(13, 1)], 32), /IPv4 has no component 13/);
  assert.throws(() => encodeFlowSpec([field(14, 1)], 128), /IPv6 has no component 14/);
  assert.throws(() => encodeFlowSpec([field(3, 1), field(4, 1), field(3, 2)], 32), /protocol comes twice/);
  for (const [type, value] of [
    [9, 0x10000],
    [11, 256],
    [12, 256],
    [3, -1],
    [3, Number.NaN],
    [3, 2 ** 53],
  ] as const) {
    assert.throws(() => encodeFlowSpec([field(type, value)], 32), RangeError, `${type} ${value}`);
  }
  const terms = (count: number): FlowSpec => [
    { kind: 'field', type: 4, terms: Array.from({ length: count }, () => ({ isAnd: false, operator: 1, value: 7 })) },
  ];
  assert.equal(encodeFlowSpec(terms(2047), 32).length, MAX_FLOW_SPEC_BYTES);
  assert.throws(() => encodeFlowSpec(terms(2048), 32), RangeError);
});

test('values are written as short as they may be (RFC 8955 §4.2.2, RFC 8956 §3.7)', () => {
  const of = (type: number, value: number): string =>
    hex(encodeFlowSpec([{ kind: 'field', type, terms: [{ isAnd: true, operator: 1, value }] }], 128));
  assert.equal(of(4, 0), '048100');
  assert.equal(of(4, 255), '0481ff');
  assert.equal(of(4, 256), '04910100');
  assert.equal(of(10, 65_536), '0aa100010000');
  assert.equal(of(10, 65_535), '0a91ffff');
  assert.equal(of(10, 2 ** 32 - 1), '0aa1ffffffff');
  assert.equal(of(10, 2 ** 32), '0ab10000000100000000');
  assert.equal(of(10, 2 ** 53 - 1), '0ab1001fffffffffffff');
  assert.equal(of(13, 1), '0da100000001');
});

const field = (type: number, most: number): fc.Arbitrary<FlowComponent> =>
  fc
    .array(
      fc.record(
        { isAnd: fc.boolean(), operator: fc.nat(type === 9 || type === 12 ? 3 : 7), value: fc.nat(most) },
        { noNullPrototype: true },
      ),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    .map((terms) => ({
      kind: 'field',
      type,
      terms: terms.map((term, i) => ({ ...term, isAnd: term.isAnd && i > 0 })),
    }));

const prefix = (type: number, bits: number): fc.Arbitrary<FlowComponent> =>
  fc
    .tuple(fc.uint8Array({ minLength: bits / 8, maxLength: bits / 8 }), fc.nat(bits), fc.nat(bits))
    .map(([address, a, b]) => {
      const length = Math.max(a, b);
      const offset = bits === 32 || a === b ? 0 : Math.min(a, b);
      for (let bit = 0; bit < bits; bit++)
        if (bit < offset || bit >= length) address[bit >>> 3]! &= ~(0x80 >>> (bit & 7));
      return { kind: 'prefix', type, length, offset, address };
    });

const spec = (bits: 32 | 128): fc.Arbitrary<FlowSpec> => {
  const most = [0, 0, 0, 255, 65_535, 65_535, 65_535, 255, 255, 0xffff, 65_535, 63, 15, 0xf_ffff];
  const types = [...most.keys()].filter((type) => componentType(type, bits) !== undefined);
  const components = types.map((type) =>
    fc.option<FlowComponent, undefined>(type <= 2 ? prefix(type, bits) : field(type, most[type]!), { nil: undefined }),
  );
  return fc
    .tuple(...components)
    .map((list) => list.filter((component) => component !== undefined))
    .filter((list) => list.length > 0);
};

test('round trip, and every prefix of an encoding is malformed or shorter', () => {
  for (const bits of [32, 128] as const) {
    fc.assert(
      fc.property(spec(bits), (components) => {
        const bytes = encodeFlowSpec(components, bits);
        assert.deepEqual(decodeFlowSpec(bytes, 0, bytes.length, bits), components);
        assert.deepEqual(read(write(components, bits), bits), [components]);
        for (let end = 0; end < bytes.length; end++) {
          const buffer = new Uint8Array(flowSpecBytes(end));
          writeFlowSpec(buffer, 0, bytes.subarray(0, end));
          const found = read(hex(buffer), bits);
          assert.ok(found === undefined || found[0]!.length < components.length);
        }
      }),
      { numRuns: 50 },
    );
  }
});

test('which of two goes first (RFC 8955 §5.1, RFC 8956 §4)', () => {
  const v4 = [
    '0120c0000201',
    '0118c00002',
    '0118c00003',
    '0110c000',
    '0218c00002038106',
    '0218c00002',
    '038106',
    '040164c5c8',
    '048106',
  ];
  const v6 = ['01400020010db800010002', '01200020010db8', '01200020010db9', '016840123456789a', '038106'];
  for (const [list, bits] of [
    [v4, 32],
    [v6, 128],
  ] as const) {
    for (const [i, a] of list.entries()) {
      for (const [k, b] of list.entries()) {
        assert.equal(Math.sign(compareFlowSpecs(unhex(a), unhex(b), bits)), Math.sign(i - k), `${a} ${b}`);
      }
    }
  }
  assert.ok(compareFlowSpecs(unhex('0401068107'), unhex('048106'), 32) < 0, 'lower bytes first');
  assert.ok(compareFlowSpecs(unhex('04010601078108'), unhex('04010601078107'), 32) > 0);
});

test('the order is one: of any three that are sorted, the first goes before the last', () => {
  for (const bits of [32, 128] as const) {
    fc.assert(
      fc.property(fc.array(spec(bits), { minLength: 3, maxLength: 3 }), (specs) => {
        const [a, b, c] = specs
          .map((components) => encodeFlowSpec(components, bits))
          .sort((x, y) => compareFlowSpecs(x, y, bits)) as [Uint8Array, Uint8Array, Uint8Array];
        assert.ok(
          compareFlowSpecs(a, b, bits) <= 0 && compareFlowSpecs(b, c, bits) <= 0 && compareFlowSpecs(a, c, bits) <= 0,
        );
        assert.equal(Math.sign(compareFlowSpecs(b, a, bits)) + Math.sign(compareFlowSpecs(a, b, bits)), 0);
        assert.equal(compareFlowSpecs(a, a, bits), 0);
      }),
    );
  }
});
