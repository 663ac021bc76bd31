import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { DynamicTable } from './dynamic-table.ts';
import { QpackError } from './errors.ts';
import { type Field, type Fields, fieldSectionBytes } from './field.ts';
import { BLOCKED, DEFAULT_FIELD_LIMITS, type FieldLimits, FieldSectionDecoder } from './section-decoder.ts';
import { encodeFieldSection, fieldSectionBound, isNeverIndexed } from './section-encoder.ts';
import { STATIC_TABLE } from './static-table.ts';
import { hex, toHex } from './testing/hex.ts';

const encode = (fields: Fields): Uint8Array => {
  const out = new Uint8Array(fieldSectionBound(fields));
  return out.subarray(0, encodeFieldSection(fields, out, 0));
};
const decode = (bytes: Uint8Array, limits: Partial<FieldLimits> = {}) =>
  new FieldSectionDecoder({ ...DEFAULT_FIELD_LIMITS, ...limits }).decode(bytes, 0, bytes.length) as Field[] | undefined;

const failed = { name: 'QpackError', code: 0x200, fault: 'remote' };

test('RFC 9204 §B.1: literal field line with name reference', () => {
  assert.deepEqual(decode(hex('0000 510b 2f69 6e64 6578 2e68 746d 6c')), [{ name: ':path', value: '/index.html' }]);
});

test('a name of odd index says nothing of how sensitive its value is', () => {
  assert.deepEqual(decode(hex('0000 51 01 2f 71 01 2f')), [
    { name: ':path', value: '/' },
    { name: ':path', value: '/', sensitive: true },
  ]);
});

test('with capacity 0 every reference to the dynamic table fails, as those of RFC 9204 §B.2 to §B.5', () => {
  for (const section of ['0381 10 11', '0500 80 c1 81', '0482 10']) assert.throws(() => decode(hex(section)), failed);
});

test('the static table is that of RFC 9204 Appendix A', () => {
  assert.equal(STATIC_TABLE.length, 99);
  // Of the appendix' rows as `name: value`, a line each, in order.
  const text = STATIC_TABLE.map(({ name, value }) => `${name}: ${value}\n`).join('');
  const digest = createHash('sha256').update(text).digest('hex');
  assert.equal(digest, 'f778de50d45b042ede99d0781252e2d318286eb3b71e0271c0228ff02051b5c2');
});

test('every entry of the static table takes one or two bytes, but a literal where that must be', () => {
  for (const field of STATIC_TABLE) {
    const bytes = encode([field]);
    assert.ok(bytes.length <= (isNeverIndexed(field) ? 5 : 4));
    assert.deepEqual(decode(bytes), [received(field)]);
  }
});

test('a sensitive field is a literal with the N bit, also where the table has it (RFC 9204 §7.1.3)', () => {
  const fields = [
    { name: 'authorization', value: 'Bearer x', sensitive: true },
    { name: ':method', value: 'GET', sensitive: true },
    { name: 'age', value: '9', sensitive: true },
    { name: 'x-secret', value: 'y', sensitive: true },
  ];
  assert.deepEqual(decode(encode(fields)), fields);
  assert.equal((encode([fields[1]!])[2] as number) & 0xf0, 0x70);
});

/** As a decoder tells of it. */
const received = (field: Field): Field => (isNeverIndexed(field) ? { ...field, sensitive: true } : field);

const latin1 = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const PLAIN = { noNullPrototype: true };
const field = fc.oneof(
  fc.constantFrom(...STATIC_TABLE),
  fc.record({ name: fc.constantFrom(...STATIC_TABLE.map((entry) => entry.name)), value: latin1(40) }, PLAIN),
  fc.record({ name: latin1(20), value: latin1(200) }, PLAIN),
  fc.record({ name: latin1(20), value: latin1(20), sensitive: fc.constant(true) }, PLAIN),
);

test('any fields survive the round trip within the stated bound', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
      const bytes = encode(fields);
      assert.ok(bytes.length <= fieldSectionBound(fields));
      assert.deepEqual(decode(bytes), fields.map(received));
    }),
  );
});

test('a truncated section is refused or ends between two field lines', () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), (fields) => {
      const bytes = encode(fields);
      const boundaries = new Set(fields.map((_, index) => encode(fields.slice(0, index)).length));
      for (let cut = 0; cut < bytes.length; cut++) {
        if (boundaries.has(cut))
          assert.deepEqual(decode(bytes.subarray(0, cut)), fields.slice(0, indexAt(fields, cut)).map(received));
        else assert.throws(() => decode(bytes.subarray(0, cut)), failed);
      }
    }),
  );
});

const indexAt = (fields: Fields, cut: number): number =>
  fields.findIndex((_, index) => encode(fields.slice(0, index)).length === cut);

test('invalid sections', () => {
  const table: readonly (readonly [string, string])[] = [
    ['', 'no prefix'],
    ['00', 'half a prefix'],
    ['0100', 'required insert count 1'],
    ['0080', 'negative base'],
    ['8000 d1', 'required insert count 128'],
    ['0000 80', 'dynamic index'],
    ['0000 81', 'dynamic index 1'],
    ['0000 41 00', 'dynamic name 1'],
    ['0000 ff 8080808080808080 40 00', 'index too large, more behind it'],
    ['0000 10', 'post-base index'],
    ['0000 00 00', 'post-base name'],
    ['0000 01 00', 'post-base name 1'],
    ['0000 40 00', 'dynamic name'],
    ['0000 ff24', 'static index 99'],
    ['0000 5f54 00', 'static name 99'],
    ['0000 23 616263', 'no value'],
    ['0000 23 6162', 'short name'],
    ['0000 2f ffffffffffffffff7f', 'length too large'],
    ['0000 51 81 1e', 'Huffman padding with a zero'],
    ['0000 29 1e 00', 'Huffman name'],
  ];
  for (const [bytes, what] of table) assert.throws(() => decode(hex(bytes)), failed, what);
});

test('a base is read over, however long', () => {
  for (const base of ['00', '3f', '7e', '7f00', '7fffff01']) {
    assert.deepEqual(decode(hex(`00 ${base} d1`)), [{ name: ':method', value: 'GET' }], base);
  }
});

test('the limits are those that are told to peers', () => {
  assert.deepEqual(DEFAULT_FIELD_LIMITS, { sectionBytes: 16_384, fields: 128, nameBytes: 256, valueBytes: 8192 });
});

test('each section is measured by itself', () => {
  const decoder = new FieldSectionDecoder({ ...DEFAULT_FIELD_LIMITS, sectionBytes: 50 });
  const bytes = encode([{ name: 'x', value: 'y' }]);
  for (let i = 0; i < 5; i++) assert.deepEqual(decoder.decode(bytes, 0, bytes.length), [{ name: 'x', value: 'y' }]);
});

test('strings are measured as they are, not as they are coded', () => {
  // Five bits each.
  const name = (length: number) => decode(encode([{ name: 'a'.repeat(length), value: '' }]));
  const value = (length: number) => decode(encode([{ name: 'x', value: 'a'.repeat(length) }]));
  assert.deepEqual([name(256)?.length, name(257)], [1, undefined]);
  assert.deepEqual([value(8192)?.length, value(8193)], [1, undefined]);
});

test('a section beyond a limit is refused without an error of the connection', () => {
  const fields = [
    { name: 'abc', value: 'x'.repeat(100) },
    { name: 'def', value: 'ÿ'.repeat(100) },
  ];
  const bytes = encode(fields);
  const size = fieldSectionBytes(fields);
  assert.equal(size, 2 * (3 + 100 + 32));
  assert.deepEqual(decode(bytes, { sectionBytes: size, fields: 2, nameBytes: 3, valueBytes: 100 }), fields);
  assert.equal(decode(bytes, { sectionBytes: size - 1 }), undefined);
  assert.equal(decode(bytes, { fields: 1 }), undefined);
  assert.equal(decode(bytes, { nameBytes: 2 }), undefined);
  assert.equal(decode(bytes, { valueBytes: 99 }), undefined);
});

test('an entry beyond a limit is refused as a literal is, wherever it comes from', () => {
  const table = new DynamicTable(1000);
  table.setCapacity(1000);
  table.insert('name', 'value');
  const read = (text: string, limits: Partial<FieldLimits>) =>
    new FieldSectionDecoder({ ...DEFAULT_FIELD_LIMITS, ...limits }, table).decode(hex(text), 0, hex(text).length);
  for (const [text, fields] of [
    ['0200 80', [{ name: 'name', value: 'value' }]],
    ['0280 10', [{ name: 'name', value: 'value' }]],
    ['0200 40 0178', [{ name: 'name', value: 'x' }]],
  ] as const) {
    assert.deepEqual(read(text, { nameBytes: 4, valueBytes: 5 }), fields);
    assert.equal(read(text, { nameBytes: 3 }), undefined);
    assert.equal(read(text, { valueBytes: 0 }), undefined);
    assert.equal(read(text, { sectionBytes: 4 + 32 }), undefined);
  }
  assert.equal(read('0200 80', { valueBytes: 4 }), undefined);
});

test('any bytes decode within the limits or are refused with QPACK_DECOMPRESSION_FAILED', () => {
  const decoder = new FieldSectionDecoder();
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(
      fc.oneof(
        bytes,
        bytes.map((rest) => Uint8Array.of(0, 0, ...rest)),
      ),
      (input) => {
        try {
          const fields = decoder.decode(input, 0, input.length);
          if (fields !== undefined && fields !== BLOCKED)
            assert.ok(fieldSectionBytes(fields) <= DEFAULT_FIELD_LIMITS.sectionBytes);
        } catch (error) {
          assert.ok(error instanceof QpackError && error.code === 0x200 && error.fault === 'remote', String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('a section is written where it is told, whatever lies there, and takes what it is said to take', () => {
  const fields = [
    { name: 'x-a', value: '' },
    { name: ':path', value: 'a'.repeat(300) },
  ];
  const room = fieldSectionBound(fields);
  assert.equal(room, 20 + (3 + 20) + (5 + 300 + 20));
  const out = new Uint8Array(room + 10).fill(0xff);
  const end = encodeFieldSection(fields, out, 5);
  assert.ok(out.subarray(0, 5).every((byte) => byte === 0xff) && out.subarray(end).every((byte) => byte === 0xff));
  assert.deepEqual(new FieldSectionDecoder().decode(out, 5, end), fields);
});

test('text is Huffman coded only where that is shorter', () => {
  // A blank takes six bits, a backslash nineteen.
  for (const [value, coded] of [
    ['aaaa', true],
    ['a', false],
    ['\\\\', false],
  ] as const) {
    assert.equal(((encode([{ name: ':path', value }])[3] as number) & 0x80) !== 0, coded, value);
  }
});

test('strings longer than one piece come out whole', () => {
  for (const length of [4095, 4096, 4097, 8191, 8192]) {
    const value = Array.from({ length }, (_, i) => String.fromCharCode(0x80 + (i % 100))).join('');
    assert.deepEqual(decode(encode([{ name: 'x', value }])), [{ name: 'x', value }]);
  }
});

test('the encoding of a request is what RFC 9204 makes of it', () => {
  const fields = [
    { name: ':method', value: 'GET' },
    { name: ':scheme', value: 'https' },
    { name: ':authority', value: 'www.example.com' },
    { name: ':path', value: '/' },
  ];
  assert.equal(toHex(encode(fields)), '0000d1d7508cf1e3c2e5f23a6ba0ab90f4ffc1');
});
