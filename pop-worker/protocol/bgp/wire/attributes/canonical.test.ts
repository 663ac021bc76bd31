import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CAPTURED } from '../testing/captured.ts';
import { hex, unhex } from '../testing/hex.ts';
import { canonical, EXTERNAL, INTERNAL, OLD, read, update } from '../testing/update.ts';
import { Outcome } from './definition.ts';
import { mergePaths, narrowPath, pathLength } from './merge.ts';

const plain = (text: string): string => hex(unhex(text));
const NLRI = '18 cb0071';
const ORIGIN = '400101 00';
const AS_PATH = '400206 0201 0000fbf4';
const NEXT_HOP = '400304 c0000201';
const of = (attributes: string, rules = EXTERNAL): string =>
  canonical(read(update({ attributes, nlri: NLRI }), rules), rules.asBytes);

test('attributes of a real peer, without next hop and prefixes, are the same from old and new speakers', () => {
  const expected = plain(`${ORIGIN} ${AS_PATH} c00808 fbf40064ffffff01 c01008 0002fbf400000007
    c0200c 0000fbf40000000100000002 c02304 0000fbf4`);
  assert.equal(canonical(read(CAPTURED.old.communities, OLD), 2), expected);
  const both = { ...EXTERNAL, ipv6NextHopFamilies: [0x0101] };
  assert.equal(canonical(read(CAPTURED.new.communities, both)), expected);
  const path = plain(`${ORIGIN} 40020a 02020000fbf4fa56ea01 c02304 0000fbf4`);
  assert.equal(canonical(read(CAPTURED.old.as4Path, OLD), 2), path);
  assert.equal(canonical(read(CAPTURED.new.prepended, both)), path);
});

test('order, flags and lengths are those that any other neighbour would have written', () => {
  const sorted = plain(`${ORIGIN} ${AS_PATH} 800404 00000032 c00804 fbf40064`);
  assert.equal(of(`d0080004 fbf40064 ${NEXT_HOP} 8f0404 00000032 ${AS_PATH} 600101 00`), sorted);
  assert.equal(of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} e00804 fbf40064`), plain(`${ORIGIN} ${AS_PATH} e00804 fbf40064`));
  const long = 'fbf40064'.repeat(64);
  assert.equal(of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} d0080100 ${long}`), plain(`${ORIGIN} ${AS_PATH} d0080100 ${long}`));
  const most = 'fbf40064'.repeat(63);
  assert.equal(of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} d00800fc ${most}`), plain(`${ORIGIN} ${AS_PATH} c008fc ${most}`));
});

test('of what we do not know, the transitive is kept and marked as partial, the rest is dropped (RFC 4271 §5)', () => {
  assert.equal(
    of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} c06302 0102 806401 03 e06501 04`),
    plain(`${ORIGIN} ${AS_PATH} e06302 0102 e06501 04`),
  );
});

test('what is discarded is not kept, and of two the first is (RFC 7606 §3 g)', () => {
  assert.equal(
    of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} 400504 00000064 400601 00 c00804 00000001 c00804 00000002`),
    plain(`${ORIGIN} ${AS_PATH} c00804 00000001`),
  );
  assert.equal(
    of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} 400504 00000064`, INTERNAL),
    plain(`${ORIGIN} ${AS_PATH} 400504 00000064`),
  );
});

test('large communities that come twice are kept once, however many there are (RFC 8092 §3)', () => {
  const one = '0000fbf4 00000001 00000002';
  const two = '0000fbf4 00000001 00000003';
  assert.equal(
    of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} c02030 ${one} ${two} ${one} ${two}`),
    plain(`${ORIGIN} ${AS_PATH} c02018 ${one} ${two}`),
  );
  const many = Array.from({ length: 400 }, (_, i) => `0000fbf4 00000001 ${i.toString(16).padStart(8, '0')}`).join(' ');
  assert.equal(
    of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} d0202580 ${many} ${many}`),
    plain(`${ORIGIN} ${AS_PATH} d02012c0 ${many}`),
  );
  const few = Array.from({ length: 11 }, (_, i) => `0000fbf4 00000001 ${i.toString(16).padStart(8, '0')}`).join(' ');
  assert.equal(
    of(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} d0200108 ${few} ${few}`),
    plain(`${ORIGIN} ${AS_PATH} c02084 ${few}`),
    'a length of one byte will do then',
  );
});

/** Path and AS4_PATH of numbers; `{}` for a set. */
const merged = (path: string, as4: string): string => {
  const buffer = unhex(path + as4);
  const end = unhex(path).length;
  const out = new Uint8Array(3000);
  return hex(out, 0, mergePaths(buffer, 0, end, end, buffer.length, out, 0));
};

test('AS4_PATH stands for the end of AS_PATH (RFC 6793 §4.2.3)', () => {
  const rows: [string, string, string, string][] = [
    ['no AS4_PATH', '0202 0001 5ba0', '', '0202 00000001 00005ba0'],
    ['as long', '0202 0001 5ba0', '0202 00000001 fa56ea01', '0202 00000001 fa56ea01'],
    ['one in front', '0202 0001 5ba0', '0201 fa56ea01', '0202 00000001 fa56ea01'],
    ['AS4_PATH longer: not used', '0201 5ba0', '0202 00000001 fa56ea01', '0201 00005ba0'],
    ['a set is one', '0101 0007 0202 0001 5ba0', '0201 fa56ea01', '0101 00000007 0202 00000001 fa56ea01'],
    ['a set in front, whole', '0102 0007 0008 0201 5ba0', '0201 fa56ea01', '0102 00000007 00000008 0201 fa56ea01'],
    ['a set in AS4_PATH', '0201 0001 0102 5ba0 5ba0', '0102 fa56ea01 fa56ea02', '0201 00000001 0102 fa56ea01 fa56ea02'],
    ['confederation in AS4_PATH: left out', '0201 5ba0', '0301 00000009 0201 fa56ea01', '0201 fa56ea01'],
    ['segments in front', '0201 0001 0202 0002 5ba0', '0201 fa56ea01', '0201 00000001 0202 00000002 fa56ea01'],
    ['empty', '', '', ''],
    [
      'no more than 255 in one',
      `02ff ${'0001'.repeat(254)} 5ba0`,
      '0201 fa56ea01',
      `02ff ${'00000001'.repeat(254)} fa56ea01`,
    ],
    [
      'otherwise two',
      `0201 0007 02ff ${'0001'.repeat(255)}`,
      `02ff ${'00000001'.repeat(255)}`,
      `0201 00000007 02ff ${'00000001'.repeat(255)}`,
    ],
  ];
  for (const [name, path, as4, expected] of rows) assert.equal(merged(path, as4), plain(expected), name);
});

test('AGGREGATOR and AS4_AGGREGATOR (RFC 6793 §4.2.3)', () => {
  const path = '400206 0202 fbf4 5ba0';
  const start = `${ORIGIN} ${path} ${NEXT_HOP}`;
  const as4 = 'c0110a 0202 0000fbf4 fa56ea01';
  const aggregator4 = 'c01208 fa56ea01 0a000002';
  const wide = '40020a 0202 0000fbf4 00005ba0';
  const full = '40020a 0202 0000fbf4 fa56ea01';
  assert.equal(of(`${start} c00706 fbf4 0a000001`, OLD), plain(`${ORIGIN} ${wide} c00708 0000fbf4 0a000001`));
  assert.equal(
    of(`${start} c00706 5ba0 0a000001 ${as4} ${aggregator4}`, OLD),
    plain(`${ORIGIN} ${full} c00708 fa56ea01 0a000002`),
  );
  // One that is not AS_TRANS: neither of the new attributes counts.
  assert.equal(
    of(`${start} c00706 fbf4 0a000001 ${as4} ${aggregator4}`, OLD),
    plain(`${ORIGIN} ${wide} c00708 0000fbf4 0a000001`),
  );
  assert.equal(of(`${start} ${as4} ${aggregator4}`, OLD), plain(`${ORIGIN} ${full}`));
  assert.equal(of(`${start} c00706 fbf4 0a000001 ${as4}`, OLD), plain(`${ORIGIN} ${full} c00708 0000fbf4 0a000001`));
});

test('a path that doubles to more than 255 bytes gets a longer head', () => {
  const numbers = 'fbf4'.repeat(100);
  assert.equal(
    of(`${ORIGIN} 4002ca 0264 ${numbers} ${NEXT_HOP}`, OLD),
    plain(`${ORIGIN} 50020192 0264 ${'0000fbf4'.repeat(100)}`),
  );
});

const segment = fc.tuple(
  fc.constantFrom(1, 2),
  fc.array(fc.integer({ min: 1, max: 0xffffffff }), { minLength: 1, maxLength: 5 }),
);

test('a path that went through an old speaker comes out as it was', () => {
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
      const path = unhex(
        segments
          .map(
            ([type, numbers]) =>
              hex(Uint8Array.of(type, numbers.length)) + numbers.map((n) => n.toString(16).padStart(8, '0')).join(''),
          )
          .join(''),
      );
      const narrow = new Uint8Array(path.length);
      const end = narrowPath(path, 0, path.length, narrow, 0);
      const fits = segments.every(([, numbers]) => numbers.every((as) => as <= 0xffff));
      assert.equal(end >= 0, fits);
      const length = end >= 0 ? end : ~end;
      assert.equal(pathLength(narrow, 0, length, 2), pathLength(path, 0, path.length, 4));
      const bytes = Buffer.concat([narrow.subarray(0, length), path]);
      const out = new Uint8Array(path.length * 2);
      assert.equal(hex(out, 0, mergePaths(bytes, 0, length, length, bytes.length, out, 0)), hex(path));
    }),
  );
});

test('what is canonical stays so', () => {
  const attribute = fc.constantFrom(
    '800404 00000032',
    '400600',
    'c00804 fbf40064',
    'c00708 0000fbf4 0a000001',
    'e06302 0102',
    'c02304 0000fbf4',
  );
  fc.assert(
    fc.property(fc.uniqueArray(attribute), (more) => {
      const once = of([NEXT_HOP, ...more, AS_PATH, ORIGIN].join(' '));
      const again = read(update({ attributes: `${once} ${NEXT_HOP}`, nlri: NLRI }));
      assert.equal(again.outcome, Outcome.ok);
      assert.equal(canonical(again), once);
    }),
  );
});
