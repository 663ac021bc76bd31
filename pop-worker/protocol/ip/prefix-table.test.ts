import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_ROUTE, PrefixTable } from './prefix-table.ts';
import { address } from './testing/packets.ts';
import { parsePrefix } from './text.ts';

const put = (table: PrefixTable, text: string, value: number): void => {
  const prefix = parsePrefix(text);
  assert.ok(prefix);
  table.set(prefix.address, prefix.length, value);
};

test('the longest prefix wins, and a deleted one gives way to the next', () => {
  const table = new PrefixTable(4);
  put(table, '0.0.0.0/0', 1);
  put(table, '10.0.0.0/8', 2);
  put(table, '10.64.0.2/32', 3);
  const find = (text: string): number => table.lookup(address(text), 0);
  assert.deepEqual([find('8.8.8.8'), find('10.1.2.3'), find('10.64.0.2')], [1, 2, 3]);
  assert.equal(table.delete(address('10.64.0.2'), 32), true);
  assert.equal(table.delete(address('10.64.0.2'), 32), false);
  assert.equal(find('10.64.0.2'), 2);
  assert.equal(table.size, 2);
});

test('prefixes of every length hold what differs behind their last bit, and nothing else', () => {
  for (const size of [4, 16] as const) {
    const inPacket = (bytes: Uint8Array): Uint8Array => Uint8Array.from([7, 7, 7, ...bytes, 7]);
    const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
      const other = bytes.slice();
      other[bit >> 3] = (other[bit >> 3] as number) ^ (0x80 >> (bit & 7));
      return other;
    };
    const host = Uint8Array.from({ length: size }, (_, i) => 0xa5 ^ (i * 17));
    for (let length = 0; length <= size * 8; length++) {
      const table = new PrefixTable(size);
      table.set(host, length, 5);
      for (let bit = 0; bit < size * 8; bit++) {
        const found = table.lookup(inPacket(flipped(host, bit)), 3);
        assert.equal(found, bit < length ? NO_ROUTE : 5, `bit ${bit} of /${length}`);
      }
    }
  }
});

test('hosts of one table are put in, replaced and deleted one by one', () => {
  const host = (i: number): Uint8Array => Uint8Array.of(10, 0, i >> 8, i & 255);
  const model = new Map<number, number>();
  const table = new PrefixTable(4);
  fc.assert(
    fc.property(fc.nat(300), fc.nat(9), fc.boolean(), (i, value, remove) => {
      if (remove) assert.equal(table.delete(host(i), 32), model.delete(i));
      else {
        table.set(host(i), 32, value);
        model.set(i, value);
      }
      assert.equal(table.get(host(i), 32), model.get(i) ?? NO_ROUTE);
      assert.equal(table.size, model.size);
    }),
    { numRuns: 3000 },
  );
  for (let i = 0; i <= 300; i++) assert.equal(table.lookup(host(i), 0), model.get(i) ?? NO_ROUTE);
});

test('agrees with a plain list of prefixes under any sequence of changes', () => {
  const bytes = (n: number) => fc.array(fc.constantFrom(0, 1, 128, 255), { minLength: n, maxLength: n });
  for (const size of [4, 16] as const) {
    const change = fc.record({
      address: bytes(size),
      length: fc.nat(size * 8),
      value: fc.nat(50),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.array(bytes(size), { maxLength: 20 }), (changes, probes) => {
        const table = new PrefixTable(size);
        const model = new Map<string, { bits: string; value: number }>();
        const bits = (a: number[]): string => a.map((b) => b.toString(2).padStart(8, '0')).join('');
        for (const c of changes) {
          const key = bits(c.address).slice(0, c.length);
          if (c.remove) assert.equal(table.delete(Uint8Array.from(c.address), c.length), model.delete(`${key}/`));
          else {
            table.set(Uint8Array.from(c.address), c.length, c.value);
            model.set(`${key}/`, { bits: key, value: c.value });
          }
        }
        assert.equal(table.size, model.size);
        for (const c of changes) {
          const held = model.get(`${bits(c.address).slice(0, c.length)}/`);
          assert.equal(table.get(Uint8Array.from(c.address), c.length), held?.value ?? NO_ROUTE);
        }
        for (const probe of [...probes, ...changes.map((c) => c.address)]) {
          const matches = [...model.values()].filter((m) => bits(probe).startsWith(m.bits));
          const best = matches.sort((a, b) => b.bits.length - a.bits.length)[0];
          assert.equal(table.lookup(Uint8Array.from(probe), 0), best?.value ?? NO_ROUTE);
        }
      }),
      { numRuns: 200 },
    );
  }
});

test('thousands of hosts come and go without the table growing', () => {
  const table = new PrefixTable(4);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 2000; i++) table.set(Uint8Array.of(10, round, i >> 8, i & 255), 32, i);
    for (let i = 0; i < 2000; i++) assert.equal(table.lookup(Uint8Array.of(10, round, i >> 8, i & 255), 0), i);
    for (let i = 0; i < 2000; i++) assert.ok(table.delete(Uint8Array.of(10, round, i >> 8, i & 255), 32));
  }
  assert.equal(table.size, 0);
});

test('misuse is a RangeError', () => {
  const table = new PrefixTable(4);
  assert.throws(() => table.set(new Uint8Array(16), 8, 1), RangeError);
  for (const length of [33, -1, 8.5, Number.NaN]) {
    for (const act of [
      () => table.set(new Uint8Array(4), length, 1),
      () => table.get(new Uint8Array(4), length),
      () => table.delete(new Uint8Array(4), length),
    ]) {
      assert.throws(act, RangeError, `${length}`);
    }
  }
  assert.throws(() => table.get(new Uint8Array(16), 8), RangeError);
  assert.throws(() => table.delete(new Uint8Array(16), 8), RangeError);
  assert.throws(() => table.set(new Uint8Array(4), 8, -1), RangeError);
  assert.throws(() => table.set(new Uint8Array(4), 8, 1.5), RangeError);
  assert.throws(() => table.set(new Uint8Array(4), 8, 0x8000_0000), RangeError);
  assert.equal(table.size, 0);
  table.set(new Uint8Array(4), 8, 0x7fff_ffff);
  assert.equal(table.get(new Uint8Array(4), 8), 0x7fff_ffff);
});
