import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePrefix } from '#protocol/ip/text.ts';
import { NO_PREFIX, PrefixTable } from './prefix-table.ts';

const KEY = { k0: 0x01234567, k1: 0x89abcdef };

const wordsOf = (text: string): { words: Uint32Array; length: number } => {
  const prefix = parsePrefix(text)!;
  const words = new Uint32Array(4);
  for (const [i, byte] of prefix.address.entries()) words[i >>> 2] = (words[i >>> 2]! << 8) | byte;
  return { words, length: prefix.length };
};
const intern = (table: PrefixTable, text: string): number => {
  const { words, length } = wordsOf(text);
  return table.intern(words, length);
};
const find = (table: PrefixTable, text: string): number => {
  const { words, length } = wordsOf(text);
  return table.find(words, length);
};
const lookup = (table: PrefixTable, text: string): number => table.lookup(wordsOf(text).words);

test('a prefix is one number, of its address and its length', () => {
  for (const [bits, texts] of [
    [32, ['0.0.0.0/0', '0.0.0.0/8', '10.0.0.0/8', '10.0.0.0/16', '10.0.0.0/32', '10.0.0.1/32', '255.255.255.255/32']],
    [
      128,
      [
        '::/0',
        '2001:db8::/32',
        '2001:db8::/48',
        '2001:db8::/128',
        '2001:db8::1/128',
        '2001:db8:0:0:1::/128',
        'ffff::/16',
      ],
    ],
  ] as const) {
    const table = new PrefixTable(bits, KEY);
    const ids = texts.map((text) => intern(table, text));
    assert.equal(new Set(ids).size, texts.length);
    assert.equal(table.size, texts.length);
    const out = new Uint32Array(4);
    for (const [i, text] of texts.entries()) {
      assert.equal(intern(table, text), ids[i]);
      assert.equal(find(table, text), ids[i]);
      out.fill(7);
      table.addressOf(ids[i]!, out);
      assert.deepEqual([out, table.lengthOf(ids[i]!)], [wordsOf(text).words, wordsOf(text).length]);
    }
    assert.equal(table.size, texts.length);
  }
});

test('what was taken out is not found, and its number is given again', () => {
  const table = new PrefixTable(32, KEY);
  const ten = intern(table, '10.0.0.0/8');
  const other = intern(table, '192.0.2.0/24');
  table.delete(ten);
  assert.equal(find(table, '10.0.0.0/8'), NO_PREFIX);
  assert.ok(!table.has(ten) && table.has(other));
  assert.equal(intern(table, '203.0.113.0/24'), ten);
  assert.equal(find(table, '192.0.2.0/24'), other);
  assert.equal(table.limit, 2);
  assert.equal(table.size, 2);
});

test('the longest prefix that an address is in', () => {
  const table = new PrefixTable(32, KEY);
  assert.equal(lookup(table, '10.1.2.3'), NO_PREFIX);
  const any = intern(table, '0.0.0.0/0');
  const eight = intern(table, '10.0.0.0/8');
  const sixteen = intern(table, '10.1.0.0/16');
  const host = intern(table, '10.1.2.3/32');
  assert.equal(lookup(table, '10.1.2.3'), host);
  assert.equal(lookup(table, '10.1.2.4'), sixteen);
  assert.equal(lookup(table, '10.2.2.4'), eight);
  assert.equal(lookup(table, '11.2.2.4'), any);
  table.delete(host);
  table.delete(any);
  assert.equal(lookup(table, '10.1.2.3'), sixteen);
  assert.equal(lookup(table, '11.2.2.4'), NO_PREFIX);
  const six = new PrefixTable(128, KEY);
  const site = intern(six, '2001:db8::/32');
  const subnet = intern(six, '2001:db8:0:1::/64');
  const half = intern(six, '2001:db8:0:1:8000::/65');
  assert.equal(lookup(six, '2001:db8:0:1:8000::7'), half);
  assert.equal(lookup(six, '2001:db8:0:1::7'), subnet);
  assert.equal(lookup(six, '2001:db8:1::7'), site);
  assert.equal(lookup(six, '2001:db9::'), NO_PREFIX);
});

test('all numbers can be gone through, those that were given back left out', () => {
  const table = new PrefixTable(32, KEY);
  const ids = Array.from({ length: 1000 }, (_, i) => intern(table, `10.${i >> 8}.${i & 255}.0/24`));
  for (const id of ids) if (id % 3 === 0) table.delete(id);
  let seen = 0;
  for (let id = 0; id < table.limit; id++) if (table.has(id)) seen++;
  assert.equal(seen, table.size);
  assert.equal(seen, 1000 - 334);
  assert.ok(table.capacity >= table.limit);
});

test('whatever comes and goes, it is what a map would hold', () => {
  for (const bits of [32, 128] as const) {
    const step = fc.tuple(fc.boolean(), fc.nat(40), fc.constantFrom(0, 8, 16, 24, bits));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const table = new PrefixTable(bits, KEY);
        const known = new Map<string, number>();
        const words = new Uint32Array(4);
        for (const [adds, value, length] of steps) {
          words[0] = length === 0 ? 0 : (value << (32 - Math.min(length, 30))) >>> 0;
          const key = `${words[0]}/${length}`;
          const before = known.get(key);
          assert.equal(table.find(words, length), before ?? NO_PREFIX);
          if (adds) known.set(key, table.intern(words, length));
          else if (before !== undefined) {
            table.delete(before);
            known.delete(key);
          }
          assert.equal(table.size, known.size);
        }
        assert.equal(new Set(known.values()).size, known.size);
        for (const id of known.values()) assert.ok(table.has(id));
      }),
      { numRuns: 60 },
    );
  }
});

test('memory is what prefixes take: 16 bytes of IPv4 each, and doubling', () => {
  const table = new PrefixTable(32, KEY);
  const words = new Uint32Array(4);
  for (let i = 0; i < 30_000; i++) {
    words[0] = i << 8;
    table.intern(words, 24);
  }
  assert.equal(table.size, 30_000);
  assert.ok(table.memory >= 30_000 * 16 && table.memory <= 2 * 30_000 * 17, String(table.memory));
  assert.equal(table.capacity, 32_768);
});
