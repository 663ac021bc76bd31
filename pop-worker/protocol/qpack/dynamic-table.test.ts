import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DynamicTable, entryBytes, maxEntries } from './dynamic-table.ts';
import { EncoderTable } from './encoder-table.ts';
import type { Field } from './field.ts';
import { decodeInsertCount, encodeInsertCount } from './insert-count.ts';
import { OutstandingSections } from './outstanding-sections.ts';

test('an entry takes its name, its value and 32 bytes (RFC 9204 §3.2.1)', () => {
  assert.equal(entryBytes('', ''), 32);
  assert.equal(entryBytes(':authority', 'www.example.com'), 57);
  assert.deepEqual([0, 31, 32, 63, 64, 4096].map(maxEntries), [0, 0, 1, 1, 2, 128]);
});

test('the oldest entries go first, when there must be room and no sooner (RFC 9204 §3.2.2)', () => {
  const gone: string[] = [];
  const table = new DynamicTable(100, ({ name }, index) => void gone.push(`${index} ${name}`));
  assert.equal(table.insert('a', ''), false, 'the capacity is 0 at first');
  assert.equal(table.setCapacity(101), false);
  assert.equal(table.setCapacity(100), true);
  assert.ok(table.insert('a', '') && table.insert('b', '') && table.insert('c', '1'));
  assert.deepEqual([table.size, table.inserted, table.oldest, gone], [100, 3, 0, []]);
  assert.equal(table.insert('x'.repeat(68), ''), true, 'as large as the table');
  assert.deepEqual([table.size, table.inserted, table.oldest], [100, 4, 3]);
  assert.deepEqual(gone.splice(0), ['0 a', '1 b', '2 c']);
  assert.equal(table.insert('x'.repeat(69), ''), false, 'larger than the table');
  assert.equal(table.size, 100, 'and nothing went for it');
  assert.deepEqual(
    [table.get(2), table.get(3)?.name.length, table.get(4), table.get(-1)],
    [undefined, 68, undefined, undefined],
  );
  table.setCapacity(99);
  assert.deepEqual([table.size, table.oldest, gone], [0, 4, [`3 ${'x'.repeat(68)}`]]);
});

test('nobody can change an entry that many sections hold', () => {
  const table = new DynamicTable(100);
  table.setCapacity(100);
  table.insert('a', 'b');
  assert.ok(Object.isFrozen(table.get(0)));
});

test('the required insert count comes back, as far as it may be off (RFC 9204 §4.5.1.1)', () => {
  // The example of the section: a table of 100 bytes, ten inserts.
  assert.equal(decodeInsertCount(4, 3, 10), 9);
  assert.equal(encodeInsertCount(9, 3), 4);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(100_000), fc.nat(), (entries, inserted, seed) => {
      const least = Math.max(1, inserted - entries + 1);
      const required = least + (seed % (inserted + entries - least + 1));
      const encoded = encodeInsertCount(required, entries);
      assert.ok(encoded >= 1 && encoded <= 2 * entries);
      assert.equal(decodeInsertCount(encoded, entries, inserted), required);
    }),
  );
  assert.deepEqual([encodeInsertCount(0, 3), decodeInsertCount(0, 3, 10), decodeInsertCount(0, 0, 0)], [0, 0, 0]);
});

test('a required insert count that no encoder can have sent (RFC 9204 §4.5.1.1)', () => {
  assert.equal(decodeInsertCount(7, 3, 10), -1, 'beyond the range');
  assert.equal(decodeInsertCount(1, 3, 0), -1, '0 is sent as 0');
  assert.equal(decodeInsertCount(4, 3, 0), 3, 'as many as fit');
  assert.equal(decodeInsertCount(5, 3, 0), -1, 'more than fit');
  assert.equal(decodeInsertCount(1, 0, 0), -1, 'no table');
});

test('the encoder finds the newest of what it has, and room as far as entries may go', () => {
  const field = fc.record({ name: fc.constantFrom('a', 'b', 'c'), value: fc.constantFrom('', 'x', 'y'.repeat(20)) });
  fc.assert(
    fc.property(
      fc.array(field, { maxLength: 60, size: 'max' }),
      fc.integer({ min: 32, max: 300 }),
      (fields, capacity) => {
        const table = new EncoderTable(capacity);
        const model: (Field & { index: number })[] = [];
        const bytes = () => model.reduce((sum, { name, value }) => sum + entryBytes(name, value), 0);
        for (const [index, { name, value }] of fields.entries()) {
          const size = entryBytes(name, value);
          assert.equal(table.hasRoom(size, Number.POSITIVE_INFINITY), size <= capacity);
          assert.equal(table.hasRoom(size, 0), bytes() + size <= capacity, 'when none may go');
          if (size > capacity) return;
          assert.equal(table.insert(name, value), index);
          model.push({ name, value, index });
          while (bytes() > capacity) model.shift();
          assert.equal(table.size, bytes());
          for (const one of ['a', 'b', 'c']) {
            assert.equal(table.findName(one), model.findLast((entry) => entry.name === one)?.index ?? -1);
            for (const text of ['', 'x', 'y'.repeat(20)]) {
              const newest = model.findLast((entry) => entry.name === one && entry.value === text);
              assert.equal(table.find(one, text), newest?.index ?? -1);
            }
          }
          // What is about to go: entries behind the newest seven eighths, and such as were once.
          let newer = 0;
          for (const entry of model.toReversed()) {
            newer += entryBytes(entry.name, entry.value);
            if (newer > (capacity * 7) / 8) assert.ok(table.isDraining(entry.index));
          }
          assert.equal(table.isDraining(index), size > (capacity * 7) / 8);
        }
      },
    ),
  );
});

test('sections on their way: who may wait, and what they keep (RFC 9204 §2.1.1, §2.1.2)', () => {
  const sections = new OutstandingSections();
  assert.deepEqual([sections.size, sections.oldest], [0, Number.POSITIVE_INFINITY]);
  sections.add(0, 5, 2);
  sections.add(4, 9, 7);
  sections.add(0, 8, 1);
  assert.deepEqual([sections.size, sections.oldest], [3, 1]);
  assert.equal(sections.mayBlock(8, 5, 2), false, 'streams 0 and 4 may wait already');
  assert.equal(sections.mayBlock(4, 5, 2), true);
  assert.equal(sections.mayBlock(8, 5, 3), true);
  assert.equal(sections.mayBlock(8, 8, 2), true, 'what was acknowledged waits no more');
  assert.equal(sections.mayBlock(8, 9, 0), false);
  assert.deepEqual([sections.acknowledge(0), sections.oldest], [5, 1], 'the earlier one first');
  assert.deepEqual([sections.acknowledge(12), sections.size], [-1, 2]);
  sections.cancel(0);
  assert.deepEqual([sections.size, sections.oldest, sections.acknowledge(0), sections.acknowledge(4)], [1, 7, -1, 9]);
});
